// Equal parts of decoded objects are one value, and unequal ones are not.

import assert from "node:assert/strict";
import { decodeObject } from "../../src/kube/decode.ts";
import type { EndpointSlice } from "../../src/kube/objects.ts";

function slice(name: string, ready: boolean): EndpointSlice {
  const decoded = decodeObject({
    kind: "EndpointSlice",
    apiVersion: "discovery.k8s.io/v1",
    metadata: { name, namespace: "shop", managedFields: [{ manager: "kube-controller-manager" }] },
    addressType: "IPv4",
    ports: [{ name: "http", port: 8080, protocol: "TCP" }],
    endpoints: [{ addresses: ["10.0.0.1"], conditions: { ready } }],
  });
  assert.ok(decoded.ok && decoded.object.kind === "EndpointSlice");
  return decoded.object;
}

Deno.test("what most objects have alike is in memory once", () => {
  const [web, api, down] = [slice("web", true), slice("api", true), slice("down", false)];
  assert.equal(web.ports, api.ports);
  assert.equal(web.metadata.managedFields, api.metadata.managedFields);
  assert.equal(web.endpoints[0]!.conditions, api.endpoints[0]!.conditions);
  assert.deepEqual(down.endpoints[0]!.conditions, { ready: false });
  assert.notEqual(web.endpoints[0]!.conditions, down.endpoints[0]!.conditions);
});
