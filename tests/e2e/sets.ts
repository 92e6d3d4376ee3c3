// The sets of Kubernetes' tests by name, and what is left out of all of them.

/** One set. */
export interface TestSet {
  /** Expressions of Ginkgo, on names of tests. */
  readonly focus: string;
  readonly skip: string;
  /** Where NodePorts are served while it runs; absent: where the proxy has them by default. */
  readonly nodePortAddresses?: string;
}

const LOCALHOST = "LocalhostNodePorts";

/** What is left out of every set, each with the reason. */
export const SKIPPED: Readonly<Record<string, string>> = {
  "NetworkPolicy": "needs a network plugin with policies",
  "SCTP": "the kernel module may not be there",
  "Internet|IPerf|Networking-IPv6": "needs another network than the cluster's",
  "NoSNAT|GCE|Feature:.*(ServiceCIDRs|KubeProxyDaemonSet)": "needs another provider or a feature gate",
};

/** Slow tests of load balancers are the most of them, so these are run. */
export const SETS: Readonly<Record<string, TestSet>> = {
  conformance: { focus: "\\[sig-network\\].*\\[Conformance\\]|CLOSE_WAIT", skip: "Serial|Disruptive" },
  services: {
    focus: "\\[sig-network\\]",
    skip: `\\[Conformance\\]|CLOSE_WAIT|LoadBalancers|${LOCALHOST}|Serial|Disruptive|Slow`,
  },
  balancers: { focus: "\\[sig-network\\] LoadBalancers", skip: "Serial|Disruptive" },
  // KEP-6032, alpha in Kubernetes 1.37: kube-proxy has a feature gate for it, this program has none.
  localhost: {
    focus: `\\[sig-network\\] ${LOCALHOST}`,
    skip: "Serial|Disruptive",
    nodePortAddresses: "primary,localhost",
  },
  serial: { focus: "\\[sig-network\\].*Serial", skip: "Disruptive" },
};

/** What Ginkgo leaves out of `set`. */
export function skipOf({ skip }: TestSet): string {
  return [skip, ...Object.keys(SKIPPED)].join("|");
}
