// The complete list of intended differences from kube-proxy 1.37 (nftables mode), with reasons. The campaign compares every
// packet and allows no exception. So each difference here does not change where a packet goes, or concerns input that the
// campaign cannot give to kube-proxy.

/** One difference that a user can observe. */
export interface Difference {
  readonly theirs: string;
  readonly ours: string;
  readonly reason: string;
  /** The test or scenario that shows our behaviour. */
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
    theirs: "packets are refused and dropped in chains of type filter, after routing, at priority 0",
    ours:
      "in chains of type nat, before routing: filter chains of other programs do not see refused packets at forward and input, and their policy does not come before a refusal",
    reason:
      "the kernel shows these chains the first packet of a connection alone: established ones cost nothing",
    shownBy: "tests/fold/skeleton_test.ts",
  },
  {
    theirs:
      "a packet that another program translated to a cluster IP, or to a frontend without endpoints, is refused",
    ours:
      "it goes where that program sends it: of the NAT chains at a hook the first that translates ends it",
    reason: "as above",
    shownBy: "tests/kernel/first_packet_test.ts",
  },
  {
    theirs:
      "every packet of a flow that no one has answered is compared with source ranges and frontends without endpoints",
    ours:
      "the first one is; when a range is tightened, the unanswered flows that it excludes are deleted from connection tracking. A flow to a frontend that came later and has no endpoints is refused once its entry has expired",
    reason: "as above",
    shownBy: "tests/kernel/first_packet_test.ts",
  },
  {
    theirs:
      "of two Services that claim one frontend a random one holds it (the last one visited), and it may change at each sync",
    ours:
      "rank decides before age: cluster IP, then status.loadBalancer, then spec.externalIPs; within a rank the older Service holds it (creationTimestamp, then namespace/name); the other one gives a warning and is named by `why`, and a frontend that moves gives an Event at both",
    reason: "the path of a packet must not depend on chance, nor on which user may edit a Service",
    shownBy: "fixtures/scenarios/conflicts.txt",
  },
  {
    theirs:
      "an external IP that is the cluster IP of another Service is served on ports that Service does not have",
    ours: "only the Service of a cluster IP serves it, on every port",
    reason: "a user who may edit one Service could answer for another one (CVE-2020-8554)",
    shownBy: "fixtures/scenarios/claims_by_rank.txt",
  },
  {
    theirs:
      "an external address that is the Service's own cluster IP is treated as external: what comes there is masqueraded",
    ours:
      "as the cluster IP: traffic of pods keeps its source, and the internal policy counts; source ranges guard it in both",
    reason: "kube-proxy writes both in turn at each sync, and the last one stays",
    shownBy: "fixtures/scenarios/source_ranges_of_cluster_ip.txt",
  },
  {
    theirs:
      "UDP flows of an endpoint that is ready and does not serve (publishNotReadyAddresses) are deleted at each change of endpoints",
    ours: "they go on, as long as new ones are sent there",
    reason: "the flow would be sent to any other endpoint, or to the same",
    shownBy: "tests/fold/udp_frontends_test.ts",
  },
  {
    theirs: "UDP flows to a frontend that is removed, with its Service or alone, stay until they time out",
    ours: "they are forgotten once the rules are in place",
    reason: "an endpoint must not get traffic of a Service that is gone",
    shownBy: "tests/kernel/conntrack_test.ts",
  },
  {
    theirs:
      "loopback, unspecified, multicast, broadcast and link-local addresses of a load balancer are served like others",
    ours:
      "left out, with a log line that names Service and address; of a balancer's IPv4 link-local addresses only those of the own node",
    reason: "traffic of the node to itself must not go to a Service",
    shownBy: "fixtures/scenarios/special_addresses.txt",
  },
  {
    theirs:
      "an endpoint on the node's own address whose number is a NodePort (or a frontend on that address) without endpoints is refused through any Service",
    ours: "the endpoint is reached: after translation a packet is not compared with other frontends",
    reason: "the endpoint is ready",
    shownBy: "fixtures/scenarios/host_network_refused_number.txt",
  },
  {
    theirs: "the process ends when the own Node object is deleted or has other addresses, and the rules stay",
    ours: "the last known values stay in force until the Node object has new ones",
    reason: "Services may change while the Node object is missing",
    shownBy: "tests/fold/own_node_test.ts",
  },
  {
    theirs: "a change of the node's addresses or pod CIDRs ends the process, which must be started again",
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
    ours: "takes effect at once; the CIDRs of all objects count",
    reason: "packets to unallocated addresses of a new range would leave the node for up to an hour",
    shownBy: "tests/fold/service_cidr_test.ts",
  },
  {
    theirs:
      "with `primary` and no known address in a family, NodePorts are served on all addresses of that family",
    ours: "NodePorts are served on no address of that family until the Node object has one",
    reason: "a port must not be opened on addresses that no setting names",
    shownBy: "tests/fold/policy_test.ts",
  },
  {
    theirs: "the pins of an endpoint are deleted with it",
    ours: "they are not used while it is gone; the client's next connection replaces the pin",
    reason: "pins are written by packets alone; a pod that is unready for a moment keeps its clients",
    shownBy: "tests/kernel/affinity_test.ts",
  },
  {
    theirs: "a changed affinity timeout may not reach the kernel: the timeout is the set's",
    ours: "applies to each pin from the client's next connection on; pins stay",
    reason: "the timeout is in the rule that pins",
    shownBy: "tests/kernel/affinity_test.ts",
  },
  {
    theirs: "of an address in two slices the first one counts, unless it is terminating",
    ours: "the better one counts: ready, then serving, then local; the order of events does not matter",
    reason: "the order of events must not decide",
    shownBy: "tests/property/fold_laws_test.ts",
  },
  {
    theirs: "interfaces of pods are matched by index (BridgeInterface), resolved when the rules are loaded",
    ours: "by name",
    reason: "the bridge may be created again, or later than the rules",
    shownBy: "fixtures/scenarios/detect_bridge_interface.txt",
  },
  {
    theirs: "a batch that the kernel rejects prevents changes of all Services",
    ours: "the Service that causes it is set aside and reported, and all others are served",
    reason: "one object must not stop a node",
    shownBy: "tests/engine/engine_test.ts",
  },
  {
    theirs: "a ServicePort may have any number of endpoints",
    ours: "at most 4,096 receive traffic; the others are counted in a warning",
    reason: "slot classes are created once, at the start",
    shownBy: "tests/fold/slots_test.ts",
  },
  {
    theirs: "the health check port of a Service answers only in the families of the Service",
    ours:
      "in both families, for a Service of one family with the same answer; but for IPv6 where nodePortAddresses names addresses of IPv4 alone",
    reason: "a load balancer may check in either family",
    shownBy: "tests/serve/health_test.ts",
  },
  {
    theirs:
      "a health check counts the endpoints of every port in the Service's slices, also of one that the Service does not have",
    ours: "of the ports that the Service has",
    reason: "no packet reaches the others",
    shownBy: "tests/property/kube_proxy_model_test.ts",
  },
  {
    theirs: "sets its OOM score to -999 at each start",
    ours: "only when a configuration file or a flag asks",
    reason: "kubelet sets the score of a pod, and lowering it needs a capability that the pod does not have",
    shownBy: "tests/node/config_test.ts",
  },
];

/** Scenario files that are not played to kube-proxy, with reasons. */
export const NOT_FOR_KUBE_PROXY: Readonly<Record<string, string>> = {
  claims_by_rank: "kube-proxy gives the frontend to a random Service: the last one it visits",
  conflicts: "kube-proxy gives the frontend to a random Service: the last one it visits",
  host_network_refused_number:
    "kube-proxy rejects the packet; the NodePort is outside the API server's range",
  special_addresses:
    "today's API server rejects such external IPs; a controller may still write such statuses",
  sloppy_addresses: "today's API server rejects such addresses; older objects still have them",
};
