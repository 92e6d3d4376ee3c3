// The fields of a manifest that the ledger does not keep.

import assert from "node:assert/strict";
import { serviceManifest } from "../../src/kube/service_manifest.ts";

Deno.test("a port without a target port is its own, and a named target port is not known", () => {
  const ports = [
    { name: "http", port: 80, targetPort: 8080 },
    { port: 53 },
    { name: "metrics", port: 90, targetPort: "metrics" },
  ];
  const manifest = serviceManifest({
    kind: "Service",
    spec: { ipFamilyPolicy: "SingleStack", allocateLoadBalancerNodePorts: false, ports },
  });
  assert.deepEqual(manifest, {
    ipFamilyPolicy: "SingleStack",
    allocateLoadBalancerNodePorts: false,
    targetPorts: new Map([["http", 8080], ["", 53]]),
  });
});

Deno.test("what has a wrong type is left out, and other kinds have none", () => {
  assert.deepEqual(serviceManifest({ kind: "Service", spec: { ipFamilyPolicy: 1, ports: {} } }), {
    targetPorts: new Map(),
  });
  for (const value of [null, [], "text", { kind: "Node" }]) assert.equal(serviceManifest(value), undefined);
});
