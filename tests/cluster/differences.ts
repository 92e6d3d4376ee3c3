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
      "the older one has it (creationTimestamp, then namespace/name); the other is warned about and named by `why`",
    reason: "a packet's way must not depend on chance",
    shownBy: "fixtures/scenarios/conflicts.txt",
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
  conflicts: "kube-proxy gives the frontend to whichever Service it visits last, at random",
  sloppy_addresses: "an API server of today refuses such addresses; older objects still have them",
};
