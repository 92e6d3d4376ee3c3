// Strategic merge patches. That KWOK's patches of real changes give the same objects as the API server is in recording_forms_test.ts.

import assert from "node:assert/strict";
import { AmbiguousPatch, strategicMerge } from "../../src/ingest/strategic_merge.ts";

const http = { name: "http", port: 80, protocol: "TCP" };
const dns = { name: "dns", port: 53, protocol: "UDP" };
const ports = (...list: unknown[]) => ({ spec: { ports: list } });

Deno.test("ports are merged by number, in the order that the patch names, and one is deleted by its number", () => {
  assert.deepEqual(
    strategicMerge("Service", ports(http), {
      spec: {
        "$setElementOrder/ports": [{ port: 53 }, { port: 80 }],
        ports: [dns, { port: 80, name: "web" }],
      },
    }),
    ports(dns, { ...http, name: "web" }),
  );
  assert.deepEqual(
    strategicMerge("Service", ports(http, dns), { spec: { ports: [{ $patch: "delete", port: 80 }] } }),
    ports(dns),
  );
});

Deno.test("a patch of a port whose number two protocols have is not guessed", () => {
  const tcp = { ...dns, name: "dns-tcp", protocol: "TCP" };
  assert.throws(
    () => strategicMerge("Service", ports(dns, tcp), { spec: { ports: [{ port: 53, name: "x" }] } }),
    (error) => error instanceof AmbiguousPatch && error.message === "spec.ports has 2 items with port 53",
  );
  const labelled = strategicMerge("Service", ports(dns, tcp), { metadata: { labels: { a: "b" } } });
  assert.deepEqual(labelled, { ...ports(dns, tcp), metadata: { labels: { a: "b" } } });
});

Deno.test("other lists are replaced, maps are merged, and null removes a field", () => {
  const slice = { endpoints: [{ addresses: ["10.0.0.1"] }], metadata: { labels: { a: "1", b: "2" } } };
  assert.deepEqual(
    strategicMerge("EndpointSlice", slice, { endpoints: [], metadata: { labels: { a: null, c: "3" } } }),
    { endpoints: [], metadata: { labels: { b: "2", c: "3" } } },
  );
  assert.deepEqual(
    strategicMerge("Service", { spec: { a: 1, selector: { x: "1" } } }, {
      spec: { $retainKeys: ["selector"], selector: { $patch: "replace", y: "2" } },
    }),
    { spec: { selector: { y: "2" } } },
  );
});

Deno.test("lists of texts are united, and lose what the patch names", () => {
  assert.deepEqual(
    strategicMerge("Node", { metadata: { finalizers: ["a", "b"] }, spec: { podCIDRs: ["10.0.0.0/24"] } }, {
      metadata: { "$deleteFromPrimitiveList/finalizers": ["a"], finalizers: ["c"] },
      spec: { podCIDRs: ["10.0.0.0/24", "fd00::/64"] },
    }),
    { metadata: { finalizers: ["b", "c"] }, spec: { podCIDRs: ["10.0.0.0/24", "fd00::/64"] } },
  );
});
