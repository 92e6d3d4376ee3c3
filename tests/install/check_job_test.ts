// The Job of a check: pinned to its node, with the rights of the proxy's container, and no pod of the proxy.

import assert from "node:assert/strict";
import { checkJob } from "../../src/install/check_job.ts";
import { daemonSet, LABELS } from "../../src/install/workload.ts";

interface Job {
  readonly spec: {
    readonly backoffLimit: number;
    readonly template: {
      readonly metadata: { readonly labels: unknown };
      readonly spec: ReturnType<typeof daemonSet>["spec"]["template"]["spec"] & { readonly nodeName: string };
    };
  };
}

const WORKLOAD = { namespace: "kube-system", image: "registry.example/ledgerproxy:1" };

Deno.test("it runs once on its node, whatever taints that has, with the rights that the proxy has there", () => {
  const { spec } = checkJob({ ...WORKLOAD, name: "check-0", node: "worker-7" }) as unknown as Job;
  const { spec: pod, metadata } = spec.template;
  const proxy = daemonSet({
    ...WORKLOAD,
    ledger: "/var/lib/ledgerproxy",
    flags: [],
    setSysctls: false,
    canary: false,
    healthPort: 10256,
  }).spec.template.spec;
  assert.deepEqual([spec.backoffLimit, pod.nodeName, pod.hostNetwork], [0, "worker-7", true]);
  assert.deepEqual(pod.tolerations, proxy.tolerations);
  assert.deepEqual(pod.containers[0]!.securityContext, proxy.containers[0]!.securityContext);
  assert.deepEqual(pod.containers[0]!.args, ["check"]);
  assert.notDeepEqual(metadata.labels, LABELS, "the selector of the DaemonSet and of the plugin");
});
