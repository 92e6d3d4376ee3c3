// `manifest --for` asks a real API server that has the objects of each distribution, as its documents show them, and a real API server
// takes what is printed, every field of it. The flags in the pods are those with which the program starts.

import assert from "node:assert/strict";
import { readDocuments } from "../../src/ingest/manifest_documents.ts";
import { DISTRIBUTIONS } from "../../src/install/distributions.ts";
import { imageCommand } from "../support/bundle.ts";
import { ControlPlane, type Json, missingAssets } from "../support/cluster/control_plane.ts";
import { addApiAddress } from "../support/cluster/near_plane.ts";
import { API_ADDRESS } from "../support/cluster/oracle.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";
import { reportSkip } from "../support/skipped.ts";
import { until } from "../support/until.ts";

requirePrivateNamespace();

const missing = missingAssets();
if (missing === undefined) addApiAddress();
else reportSkip(missing);

const SYSTEM = "/api/v1/namespaces/kube-system/configmaps";
const PATHS: Readonly<Record<string, string>> = {
  ServiceAccount: "/api/v1/namespaces/kube-system/serviceaccounts",
  ConfigMap: SYSTEM,
  ClusterRole: "/apis/rbac.authorization.k8s.io/v1/clusterroles",
  ClusterRoleBinding: "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
  DaemonSet: "/apis/apps/v1/namespaces/kube-system/daemonsets",
};

const kubeconfig = (server: string) =>
  `apiVersion: v1
kind: Config
clusters:
- cluster: {certificate-authority: /var/run/secrets/kubernetes.io/serviceaccount/ca.crt, server: ${server}}
  name: default
contexts: [{context: {cluster: default, namespace: default, user: default}, name: default}]
current-context: default
users: [{name: default, user: {tokenFile: /var/run/secrets/kubernetes.io/serviceaccount/token}}]
`;

/** kube-proxy's configuration as kubeadm 1.37 and kind write it, empty fields included. */
const configuration = (mode: string, clusterCidr: string, kubeconfigFile: string, healthz = "") =>
  `apiVersion: kubeproxy.config.k8s.io/v1alpha1
bindAddress: 0.0.0.0
bindAddressHardFail: false
clientConnection: {acceptContentTypes: "", burst: 0, contentType: "", kubeconfig: ${kubeconfigFile}, qps: 0}
clusterCIDR: "${clusterCidr}"
configSyncPeriod: 0s
conntrack: {maxPerCore: null, min: null, tcpBeLiberal: false, tcpCloseWaitTimeout: null, tcpEstablishedTimeout: null, udpStreamTimeout: 0s, udpTimeout: 0s}
detectLocal: {bridgeInterface: "", interfaceNamePrefix: ""}
detectLocalMode: ""
enableProfiling: false
healthzBindAddress: "${healthz}"
hostnameOverride: ""
iptables: {localhostNodePorts: null, masqueradeAll: false, masqueradeBit: null, minSyncPeriod: 0s, syncPeriod: 0s}
ipvs: {excludeCIDRs: null, minSyncPeriod: 0s, scheduler: "", strictARP: false, syncPeriod: 0s, tcpFinTimeout: 0s, tcpTimeout: 0s, udpTimeout: 0s}
kind: KubeProxyConfiguration
logging: {flushFrequency: 0, options: {json: {infoBufferSize: "0"}, text: {infoBufferSize: "0"}}, verbosity: 0}
metricsBindAddress: ""
mode: "${mode}"
nftables: {masqueradeAll: false, masqueradeBit: null, minSyncPeriod: 0s, syncPeriod: 0s}
nodePortAddresses: null
oomScoreAdj: null
portRange: ""
showHiddenMetricsForVersion: ""
winkernel: {enableDSR: false, forwardHealthCheckVip: false, networkName: "", rootHnsEndpointName: "", sourceVip: ""}
`;

/** The objects of kubeadm and kind: cluster-info, kubeadm-config and kube-proxy's own. */
function ofKubeadm(server: string, mode: string, healthz?: string): Readonly<Record<string, Json>> {
  const file = "/var/lib/kube-proxy/kubeconfig.conf";
  return {
    "/api/v1/namespaces/kube-public/configmaps/cluster-info": { kubeconfig: kubeconfig(server) },
    [`${SYSTEM}/kubeadm-config`]: {
      ClusterConfiguration:
        "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nnetworking: {dnsDomain: cluster.local, podSubnet: 10.244.0.0/16, serviceSubnet: 10.96.0.0/12}\n",
    },
    [`${SYSTEM}/kube-proxy`]: {
      "config.conf": configuration(mode, "10.244.0.0/16", file, healthz),
      "kubeconfig.conf": kubeconfig(server),
    },
  };
}

/** What a cluster of each distribution has, and what must be in the printed objects. */
const CLUSTERS: Readonly<
  Record<string, {
    readonly maps: Readonly<Record<string, Json>>;
    readonly podCidr?: string;
    readonly apiServer: string;
    /** An argument of the pods that says how local traffic is known; undefined where the configuration says so. */
    readonly local?: string;
    readonly probe?: Json;
  }>
> = {
  kubeadm: {
    maps: ofKubeadm("https://10.0.0.2:6443", "", "127.0.0.1:10258"),
    podCidr: "10.244.0.0/24",
    apiServer: "https://10.0.0.2:6443",
    // An address of loopback is another one for kubelet's probes, which ask the node's address.
    probe: { path: "/livez", port: 10258, host: "127.0.0.1" },
  },
  kind: {
    maps: ofKubeadm("https://kind-control-plane:6443", "iptables"),
    podCidr: "10.244.0.0/24",
    apiServer: "https://kind-control-plane:6443",
  },
  // k3s and RKE2 have kube-proxy's flags in their own process; Talos gives its DaemonSet flags and no ConfigMap.
  k3s: {
    maps: {},
    podCidr: "10.42.0.0/24",
    apiServer: "https://127.0.0.1:6444",
    local: "--detect-local-mode=NodeCIDR",
  },
  rke2: {
    maps: {},
    podCidr: "10.42.0.0/24",
    apiServer: "https://127.0.0.1:6443",
    local: "--detect-local-mode=NodeCIDR",
  },
  talos: {
    maps: {},
    podCidr: "10.244.0.0/24",
    apiServer: "https://localhost:7445",
    local: "--detect-local-mode=NodeCIDR",
  },
  // Nodes of EKS have no pod CIDR: pods have addresses of the VPC.
  eks: {
    maps: {
      [`${SYSTEM}/kube-proxy`]: { kubeconfig: kubeconfig("https://0123.gr7.eu-west-1.eks.amazonaws.com") },
      [`${SYSTEM}/kube-proxy-config`]: {
        config: configuration("iptables", "", "/var/lib/kube-proxy/kubeconfig", "0.0.0.0:10256"),
      },
    },
    apiServer: `https://${API_ADDRESS}:6443`,
  },
};

const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** Puts the objects of a cluster into `plane`; returns how to take them away. */
async function furnish(plane: ControlPlane, name: string): Promise<() => Promise<void>> {
  const { maps, podCidr } = CLUSTERS[name]!;
  const paths = Object.keys(maps);
  for (const [path, data] of Object.entries(maps)) {
    const at = path.lastIndexOf("/");
    const metadata = { name: path.slice(at + 1) };
    await plane.call("POST", path.slice(0, at), { apiVersion: "v1", kind: "ConfigMap", metadata, data });
  }
  const spec = podCidr === undefined ? {} : { podCIDR: podCidr, podCIDRs: [podCidr] };
  await plane.call("POST", "/api/v1/nodes", {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: "node-a" },
    spec,
  });
  return async () => {
    for (const path of [...paths, "/api/v1/nodes/node-a"]) await plane.call("DELETE", path);
  };
}

/** Runs the command for a distribution. */
async function manifestFor(plane: ControlPlane, name: string) {
  const [program, ...args] = imageCommand(
    ...["manifest", "--for", name, "--image", "example/ledgerproxy:1", "--kubeconfig", plane.kubeconfig()],
  );
  const options = { args, env: { NO_COLOR: "1" }, stdin: "null" } as const;
  const { code, stdout, stderr } = await new Deno.Command(program!, options).output();
  return { code, stdout: decode(stdout), stderr: decode(stderr) };
}

/** What the command prints for a distribution. */
async function printed(plane: ControlPlane, name: string): Promise<Json[]> {
  const { code, stdout, stderr } = await manifestFor(plane, name);
  assert.equal(code, 0, `${name}: ${stderr}`);
  return readDocuments("manifest.yaml", stdout).values as Json[];
}

Deno.test({
  name: "each distribution's cluster is understood, and an API server takes every field of what is printed",
  ignore: missing !== undefined,
  fn: async (t) => {
    await using plane = await ControlPlane.start(API_ADDRESS);
    await until("the API server has its namespaces", async () => {
      const { items } = await plane.call("GET", "/api/v1/namespaces");
      const names = (items as Json[]).map((item) => (item["metadata"] as Json)["name"]);
      return ["kube-system", "kube-public"].every((name) => names.includes(name));
    });
    assert.deepEqual(Object.keys(CLUSTERS).sort(), Object.keys(DISTRIBUTIONS).sort());
    for (const [name, { maps, apiServer, local, probe }] of Object.entries(CLUSTERS)) {
      await t.step(name, async () => {
        const remove = await furnish(plane, name);
        try {
          const objects = await printed(plane, name);
          for (const object of objects) {
            const path = PATHS[object["kind"] as string]!;
            await plane.call("POST", `${path}?dryRun=All&fieldValidation=Strict`, object);
          }
          const { template: { spec: { containers: [container] } } } = objects.at(-1)!["spec"] as {
            template: { spec: { containers: [{ args: string[]; livenessProbe: { httpGet: Json } }] } };
          };
          const { args, livenessProbe: { httpGet } } = container;
          assert.equal(args[args.indexOf("--master") + 1], apiServer);
          assert.deepEqual(httpGet, probe ?? { path: "/livez", port: 10256 });
          const config = objects.find(({ kind }) => kind === "ConfigMap");
          assert.equal(config !== undefined, Object.keys(maps).length > 0);
          assert.equal(args.includes("--config"), config !== undefined);
          if (local !== undefined) assert.ok(args.includes(local), args.join(" "));
        } finally {
          await remove();
        }
      });
    }
    await t.step("what is wrong is found before anything is printed", async () => {
      const path = `${SYSTEM}/kube-proxy`;
      const data = ofKubeadm("https://10.0.0.2:6443", "userspace")[path];
      const metadata = { name: "kube-proxy" };
      await plane.call("POST", SYSTEM, { apiVersion: "v1", kind: "ConfigMap", metadata, data });
      const { code, stdout, stderr } = await manifestFor(plane, "kubeadm");
      assert.deepEqual([code, stdout], [2, ""]);
      assert.match(stderr, /^error: the cluster's configuration of kube-proxy:\n {2}mode: "userspace"/);
      await plane.call("DELETE", path);
    });
  },
});
