// Where this program differs from kube-proxy 1.37 (nftables mode) on purpose, with the reasons: the whole list. The
// campaign compares every packet and excuses none: what differs here does not show in where a packet goes, or cannot be
// asked of kube-proxy, as said with each.

/** One difference, seen from outside. */
export interface Difference {
  readonly theirs: string;
  readonly ours: string;
  readonly reason: string;
  /** The test that shows ours. */
  readonly shownBy: string;
}

export const DIFFERENCES: readonly Difference[] = [
  {
    theirs: "a refused TCP connection is answered with ICMP port unreachable",
    ours: "with a TCP reset",
    reason:
      "an IPv6 client takes the ICMP error for a refusal only after its first retransmission, a second late",
    shownBy: "tests/kernel/traffic_test.ts",
  },
  {
    theirs:
      "of two Services that claim one frontend the one visited last has it, at random, and it changes hands",
    ours:
      "a claim has a rank before its age: cluster IP, then what a controller wrote to status.loadBalancer, then spec.externalIPs; within a rank the older one has it (creationTimestamp, then namespace/name); the other is warned about and named by `why`, and what moves is an event at both",
    reason: "a packet's way must not depend on chance, nor on who may edit a Service",
    shownBy: "fixtures/scenarios/conflicts.txt",
  },
  {
    theirs:
      "an external IP that is the cluster IP of another Service is served on ports that Service does not have",
    ours: "a cluster IP is of its Service alone, on every port",
    reason: "whoever may edit a Service could answer in another's name (CVE-2020-8554)",
    shownBy: "fixtures/scenarios/claims_by_rank.txt",
  },
  {
    theirs:
      "loopback, unspecified, multicast, broadcast and link-local addresses of a load balancer are served like others",
    ours:
      "left out, with a line that names Service and address; of IPv4 link-local ones of a balancer, those of the own node",
    reason: "what the node says to itself is not a Service's",
    shownBy: "fixtures/scenarios/special_addresses.txt",
  },
  {
    theirs:
      "an endpoint on the node's own address whose number is a NodePort (or a frontend on that address) without endpoints is refused through any Service",
    ours: "it is reached: what was translated is not refused for a frontend that nobody asked for",
    reason: "the endpoint is ready",
    shownBy: "fixtures/scenarios/host_network_refused_number.txt",
  },
  {
    theirs: "the process ends when the own Node object is deleted or has other addresses, and the rules stay",
    ours: "it goes on by what the Node last said, and takes what a new one says",
    reason: "Services change while a Node object is away",
    shownBy: "tests/fold/own_node_test.ts",
  },
  {
    theirs: "a change of the node's addresses or pod CIDRs ends the process, to be started again",
    ours: "takes effect at once",
    reason: "a restart of a proxy costs a full sync",
    shownBy: "tests/engine/transitions_test.ts",
  },
  {
    theirs: "addresses in nodePortAddresses are looked up at full syncs, up to an hour apart",
    ours:
      "the kernel decides by its routing table (fib) and the CIDR, so an address serves from when the node has it",
    reason: "no state to fall behind",
    shownBy: "tests/kernel/node_changes_test.ts",
  },
  {
    theirs:
      "a change of ServiceCIDRs takes effect at the next full sync; deleting one object removes CIDRs another lists",
    ours: "takes effect at once; what any object lists counts",
    reason: "packets to unallocated addresses of a new range would leave the node for up to an hour",
    shownBy: "tests/fold/service_cidr_test.ts",
  },
  {
    theirs:
      "with `primary` and no known address in a family, NodePorts are served on all addresses of that family",
    ours: "on none of that family, until the Node object names one",
    reason: "a port must not be opened on addresses that no setting names",
    shownBy: "tests/fold/policy_test.ts",
  },
  {
    theirs: "a changed affinity timeout may not reach the kernel: the timeout is the set's",
    ours: "is in force for every pin from its client's next connection on; pins stay",
    reason: "the timeout is in the rule that pins",
    shownBy: "tests/kernel/affinity_test.ts",
  },
  {
    theirs: "of an address in two slices the first seen counts, unless it terminates",
    ours: "the one that serves best counts: ready, then serving, then local; whichever came first",
    reason: "the order of events must not decide",
    shownBy: "tests/property/fold_laws_test.ts",
  },
  {
    theirs: "interfaces of pods are matched by index (BridgeInterface), resolved when the rules are loaded",
    ours: "by name",
    reason: "a bridge that is made anew, or later than the rules, is still the bridge",
    shownBy: "fixtures/scenarios/detect_bridge_interface.txt",
  },
  {
    theirs: "a batch that the kernel refuses keeps all Services from changing",
    ours: "the one Service it is about is set aside and named, all others are served",
    reason: "one object must not stop a node",
    shownBy: "tests/engine/engine_test.ts",
  },
  {
    theirs: "a ServicePort may have any number of endpoints",
    ours: "at most 4,096 get traffic; the rest is counted and warned about",
    reason: "slot classes are made once, at start",
    shownBy: "tests/fold/slots_test.ts",
  },
];

/** Scenario files that kube-proxy cannot be asked about, and why. */
export const NOT_FOR_KUBE_PROXY: Readonly<Record<string, string>> = {
  claims_by_rank: "kube-proxy gives the frontend to whichever Service it visits last, at random",
  conflicts: "kube-proxy gives the frontend to whichever Service it visits last, at random",
  host_network_refused_number:
    "kube-proxy refuses the endpoint; the NodePort is outside the API server's range",
  special_addresses:
    "an API server of today refuses such external IPs; a controller may still write such statuses",
  sloppy_addresses: "an API server of today refuses such addresses; older objects still have them",
};
