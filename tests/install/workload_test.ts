// The objects that run the proxy: few rights, a pod that finds the API server without a cluster IP, and a canary.

import assert from "node:assert/strict";
import { daemonSet, type Workload, workloadObjects } from "../../src/install/workload.ts";

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

const kinds = (workload: Workload) => workloadObjects(workload).map(({ kind }) => kind);
const pod = (workload: Workload) => daemonSet(workload).spec.template.spec;

Deno.test("the container has one capability and no privilege; only the init container that is asked for is privileged", () => {
  const { containers, initContainers } = pod(WORKLOAD);
  assert.deepEqual(containers[0]!.securityContext, {
    runAsUser: 0,
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ["ALL"], add: ["NET_ADMIN"] },
    seccompProfile: { type: "RuntimeDefault" },
  });
  assert.equal(initContainers, undefined);
  const [sysctls] = pod({ ...WORKLOAD, setSysctls: true }).initContainers!;
  assert.deepEqual(sysctls!.securityContext, { privileged: true });
  assert.equal(sysctls!.args.at(-1), "--init-only");
});

Deno.test("kubectl needs no container's name, whatever other containers the pod has", () => {
  assert.deepEqual(daemonSet({ ...WORKLOAD, setSysctls: true }).spec.template.metadata, {
    labels: { "app.kubernetes.io/name": "ledgerproxy" },
    annotations: { "kubectl.kubernetes.io/default-container": "ledgerproxy" },
  });
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

Deno.test("a canary needs the label", () => {
  assert.deepEqual(pod(WORKLOAD).nodeSelector, { "kubernetes.io/os": "linux" });
  assert.deepEqual(pod({ ...WORKLOAD, canary: true }).nodeSelector, {
    "kubernetes.io/os": "linux",
    ledgerproxy: "serve",
  });
});
