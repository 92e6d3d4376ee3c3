// The objects that run the proxy: few rights, a pod that finds the API server without a cluster IP, and a canary.

import assert from "node:assert/strict";
import { type Workload, workloadObjects } from "../../src/install/workload.ts";

const WORKLOAD: Workload = {
  image: "registry.example/ledgerproxy:1",
  namespace: "kube-system",
  ledger: "/var/lib/ledgerproxy",
  apiServer: "https://10.0.0.2:6443",
  flags: ["--cluster-cidr=10.244.0.0/16"],
  setSysctls: false,
  canary: false,
  healthPort: 10256,
};

interface Container {
  readonly args: readonly string[];
  readonly securityContext: { readonly privileged?: boolean; readonly capabilities?: unknown };
  readonly volumeMounts: readonly {
    readonly name: string;
    readonly mountPath: string;
    readonly readOnly?: boolean;
  }[];
}

interface DaemonSet {
  readonly kind: string;
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly nodeSelector: Readonly<Record<string, string>>;
        readonly initContainers?: readonly Container[];
        readonly containers: readonly Container[];
        readonly volumes: readonly Readonly<Record<string, unknown>>[];
      };
    };
  };
}

const kinds = (workload: Workload) => workloadObjects(workload).map((one) => (one as { kind: string }).kind);
const pod = (workload: Workload) => (workloadObjects(workload).at(-1) as DaemonSet).spec.template.spec;

Deno.test("the container has one capability and no privilege; only the init container that is asked for is privileged", () => {
  const { containers, initContainers } = pod(WORKLOAD);
  assert.deepEqual(containers[0]!.securityContext.capabilities, { drop: ["ALL"], add: ["NET_ADMIN"] });
  assert.equal(containers[0]!.securityContext.privileged, undefined);
  assert.equal(initContainers, undefined);
  const [sysctls] = pod({ ...WORKLOAD, setSysctls: true }).initContainers!;
  assert.equal(sysctls!.securityContext.privileged, true);
  assert.equal(sysctls!.args.at(-1), "--init-only");
});

Deno.test("flags name the API server, the node and the ledger", () => {
  assert.deepEqual(pod(WORKLOAD).containers[0]!.args, [
    "run",
    "--ledger",
    "/var/lib/ledgerproxy/ledger",
    "--node",
    "$(NODE_NAME)",
    "--master",
    "https://10.0.0.2:6443",
    "--cluster-cidr=10.244.0.0/16",
  ]);
});

Deno.test("a copied configuration is a ConfigMap of our own, which the pods mount", () => {
  const copied = { ...WORKLOAD, flags: [], config: { "config.conf": "kind: KubeProxyConfiguration" } };
  assert.ok(kinds(copied).includes("ConfigMap"));
  assert.ok(!kinds(WORKLOAD).includes("ConfigMap"));
  const { containers: [container], volumes } = pod(copied);
  assert.ok(container!.args.join(" ").includes("--config /var/lib/kube-proxy/config.conf"));
  assert.deepEqual(volumes.at(-1), { name: "config", configMap: { name: "ledgerproxy" } });
});

Deno.test("a canary needs the label; another namespace than kube-system is made, and allows such pods", () => {
  assert.deepEqual(pod(WORKLOAD).nodeSelector, { "kubernetes.io/os": "linux" });
  assert.equal(pod({ ...WORKLOAD, canary: true }).nodeSelector["ledgerproxy"], "serve");
  assert.ok(!kinds(WORKLOAD).includes("Namespace"));
  const [namespace] = workloadObjects({ ...WORKLOAD, namespace: "network" }) as [
    { kind: string; metadata: { name: string; labels: Record<string, string> } },
  ];
  assert.equal(namespace.kind, "Namespace");
  assert.equal(namespace.metadata.labels["pod-security.kubernetes.io/enforce"], "privileged");
});
