// How to free the place of kube-proxy in each Kubernetes distribution, and how pods reach its API server without a cluster IP.
// Sources: the distributions' documentation, October 2026. What this project has not run itself says so.

import { CANARY } from "./workload.ts";

/** A distribution. */
export interface Distribution {
  readonly title: string;
  /** The API server as every node reaches it; undefined: the address in the ConfigMap cluster-info, or in the kubeconfig. */
  readonly apiServer?: string;
  /** How a new cluster is made without kube-proxy. */
  readonly newCluster: string;
  /** What removes kube-proxy from a cluster that has it, once all nodes run this proxy. */
  readonly remove: readonly string[];
  /** What an upgrade of the cluster does with kube-proxy. */
  readonly upgrade: string;
  /** Whether kube-proxy is a DaemonSet, which can be kept off single nodes. */
  readonly daemonSet: boolean;
  /** Where the project has run it; undefined: nowhere, it is made from documents. */
  readonly ranIn?: string;
}

const REMOVE_ADDON = [
  "kubectl -n kube-system delete daemonset kube-proxy",
  "kubectl -n kube-system delete configmap kube-proxy",
];

/** The distributions by the name of the flag. */
export const DISTRIBUTIONS: Readonly<Record<string, Distribution>> = {
  kubeadm: {
    title: "kubeadm",
    newCluster: "kubeadm init --skip-phases=addon/kube-proxy",
    remove: REMOVE_ADDON,
    upgrade:
      "kubeadm upgrade installs kube-proxy again while a ConfigMap kube-proxy exists (kubernetes/kubernetes#89593, #129415); delete it",
    daemonSet: true,
    ranIn: "the cluster of `deno task e2e`, which has kubeadm's objects but was not made by kubeadm",
  },
  kind: {
    title: "kind",
    newCluster: "kind create cluster --config with `networking: {kubeProxyMode: none}`",
    remove: REMOVE_ADDON,
    upgrade: "kind clusters are not upgraded",
    daemonSet: true,
  },
  k3s: {
    title: "k3s",
    // The load balancer of the agent, and the API server's own port on servers.
    apiServer: "https://127.0.0.1:6444",
    newCluster:
      "disable-kube-proxy: true in /etc/rancher/k3s/config.yaml of every server, before the first start",
    remove: [
      "# on every server, then restart k3s there and on every agent: kube-proxy is part of the k3s process",
      "echo 'disable-kube-proxy: true' >> /etc/rancher/k3s/config.yaml && systemctl restart k3s",
    ],
    upgrade: "an upgrade keeps config.yaml",
    daemonSet: false,
  },
  rke2: {
    title: "RKE2",
    apiServer: "https://127.0.0.1:6443",
    newCluster:
      "disable-kube-proxy: true in /etc/rancher/rke2/config.yaml of every server, before the first start",
    remove: [
      "# on every server; kube-proxy is a static pod of each node",
      "echo 'disable-kube-proxy: true' >> /etc/rancher/rke2/config.yaml && systemctl restart rke2-server",
      "# on every agent",
      "rm -f /var/lib/rancher/rke2/agent/pod-manifests/kube-proxy.yaml && systemctl restart rke2-agent",
    ],
    upgrade: "an upgrade keeps config.yaml",
    daemonSet: false,
  },
  talos: {
    title: "Talos",
    // KubePrism, the load balancer on every machine.
    apiServer: "https://localhost:7445",
    newCluster: "cluster.proxy.disabled: true in the machine configuration of the control plane",
    remove: [
      'talosctl patch machineconfig --nodes CONTROL-PLANE --patch \'{"cluster":{"proxy":{"disabled":true}}}\'',
      "kubectl -n kube-system delete daemonset kube-proxy",
    ],
    upgrade: "talosctl upgrade-k8s keeps cluster.proxy.disabled",
    daemonSet: true,
  },
  eks: {
    title: "Amazon EKS",
    newCluster: "create the cluster without the addon kube-proxy (bootstrapSelfManagedAddons: false)",
    remove: [
      "aws eks delete-addon --cluster-name CLUSTER --addon-name kube-proxy",
      "kubectl -n kube-system delete daemonset kube-proxy --ignore-not-found",
    ],
    upgrade: "EKS does not install an addon again that was deleted",
    daemonSet: true,
  },
};

/** Keeps kube-proxy off the nodes with the canary's label. */
const KEEP_OFF = JSON.stringify({
  spec: {
    template: {
      spec: {
        affinity: {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [{
                matchExpressions: [{ key: CANARY.name, operator: "NotIn", values: [CANARY.value] }],
              }],
            },
          },
        },
      },
    },
  },
});

/** Runs a command once in the network of a node, with its privileges. */
function onNode(image: string, command: string): string {
  return `kubectl debug node/NODE --profile=sysadmin --image=${image} -- ${command}`;
}

/** How a node loses the rules of kube-proxy in iptables or IPVS mode. Those in nftables mode go with the takeover. */
function cleaning({ daemonSet }: Distribution, mode: string | undefined): string[] {
  if (mode === "nftables") return [];
  const which = mode === undefined
    ? "If kube-proxy is in iptables or IPVS mode"
    : `kube-proxy is in ${mode} mode`;
  const stay = `${which}${mode === undefined ? "," : ":"} a node keeps its rules when it stops.`;
  if (!daemonSet) return [`${stay} Restart such nodes one after the other.`, ""];
  return [
    `${stay} On each node, once kube-proxy has ended and ledgerproxy is ready there:`,
    "",
    `    ${onNode("IMAGE", "kube-proxy --cleanup")}`,
    "",
    "IMAGE is that of kube-proxy: `kubectl -n kube-system get daemonset kube-proxy -o wide`.",
    "",
  ];
}

/**
 * The comment above the manifest: what to do before and after `kubectl apply`, as lines that begin with `#`. `mode` is that of kube-proxy
 * in the cluster; undefined where nothing says it.
 */
export function instructions(
  distribution: Distribution,
  { canary, mode, image }: {
    readonly canary: boolean;
    readonly mode: string | undefined;
    readonly image: string;
  },
): string {
  const { title, newCluster, remove, upgrade, daemonSet, ranIn } = distribution;
  const label = `${CANARY.name}=${CANARY.value}`;
  const first = !canary
    ? ["Every node runs this proxy at once. It takes over from kube-proxy in nftables mode in one batch."]
    : daemonSet
    ? [
      `Only nodes with the label ${label} run this proxy. Keep kube-proxy off them, then begin with one node:`,
      "",
      `    kubectl -n kube-system patch daemonset kube-proxy -p '${KEEP_OFF}'`,
      `    kubectl label node NODE ${label}`,
      "",
      ...cleaning(distribution, mode),
      "When all nodes have the label, print this again with --all-nodes, and remove kube-proxy:",
    ]
    : [
      `Only nodes with the label ${label} run this proxy. ${title} runs kube-proxy on every node, so a trial of`,
      "single nodes is not possible beside it. Switch kube-proxy off, then label the nodes:",
    ];
  const clean = canary && daemonSet ? [] : cleaning(distribution, mode);
  const lines = [
    `ledgerproxy for ${title}. ${
      ranIn === undefined ? "Not run by this project: made from its documentation." : `Run in ${ranIn}.`
    }`,
    "",
    ...first,
    "",
    ...remove.map((command) => `    ${command}`),
    "",
    ...clean,
    `A new cluster: ${newCluster}.`,
    `Upgrades: ${upgrade}.`,
    "Back: start kube-proxy again, and `kubectl delete -f` this file. Our rules stay, and serve, until on each node:",
    "",
    `    ${onNode(image, "ledgerproxy cleanup")}`,
  ];
  return lines.map((line) => `# ${line}`.trimEnd()).join("\n");
}
