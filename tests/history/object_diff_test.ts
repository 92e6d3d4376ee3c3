// What records change in objects, in the objects' own terms.

import assert from "node:assert/strict";
import {
  endpointChanges,
  endpointChangeText,
  fieldChanges,
  fieldChangeText,
  objectChanges,
  readiness,
} from "../../src/history/object_diff.ts";
import type { Service } from "../../src/kube/objects.ts";
import { service, slice } from "../support/cluster_notation.ts";

const fields = (before: Service, after: Service) => fieldChanges(before, after).map(fieldChangeText);

Deno.test("a field is named without what is around it, with its old and its new value", () => {
  const plain = service("shop/web 10.96.0.1 http:80/tcp");
  const with_ = (spec: Partial<Service["spec"]>): Service => ({ ...plain, spec: { ...plain.spec, ...spec } });
  const cases: [Service, Service, string[]][] = [
    [with_({ externalTrafficPolicy: "Local" }), with_({ externalTrafficPolicy: "Cluster" }), [
      "externalTrafficPolicy: Local -> Cluster",
    ]],
    [plain, with_({ sessionAffinity: "ClientIP" }), ["sessionAffinity: none -> ClientIP"]],
    [with_({ externalIPs: ["198.51.100.1"] }), with_({ externalIPs: ["198.51.100.2", "198.51.100.1"] }), [
      "externalIPs: + 198.51.100.2",
    ]],
    [with_({ externalIPs: ["198.51.100.1"] }), plain, ["externalIPs: - 198.51.100.1"]],
    [plain, with_({ ports: [{ name: "http", port: 81, protocol: "TCP" }] }), ["ports[http].port: 80 -> 81"]],
    [plain, { ...plain, metadata: { ...plain.metadata, resourceVersion: "9", annotations: { a: "b" } } }, []],
    [plain, { ...plain, metadata: { ...plain.metadata, uid: "b" } }, ["metadata.uid: none -> b"]],
    [plain, with_({ type: "x".repeat(500) }), [`type: ClusterIP -> ${"x".repeat(80)}...`]],
  ];
  for (const [before, after, lines] of cases) assert.deepEqual(fields(before, after), lines);
});

Deno.test("of annotations those that decide rules count", () => {
  const annotated = (annotations: Record<string, string>): Service => {
    const one = service("shop/web 10.96.0.1 http:80/tcp");
    return { ...one, metadata: { ...one.metadata, annotations } };
  };
  const changed = "kubernetes.io/change-cause";
  assert.deepEqual(
    fields(
      annotated({ [changed]: "a" }),
      annotated({ [changed]: "b", "ledgerproxy.io/choice": "client" }),
    ),
    ["metadata.annotations.ledgerproxy.io/choice: none -> client"],
  );
});

Deno.test("the change of a slice is listed by endpoint, that of a Service by field", () => {
  const before = slice("shop/web-a http:8080/tcp 10.244.0.1 10.244.0.2");
  const after = slice("shop/web-a http:8080/tcp !10.244.0.2 10.244.0.3");
  assert.deepEqual(objectChanges(before, after), [
    "- 10.244.0.1 ready",
    "10.244.0.2: ready -> not ready",
    "+ 10.244.0.3 ready",
  ]);
  assert.deepEqual(objectChanges(before, before), []);
  assert.deepEqual(objectChanges(before, undefined), ["- 10.244.0.1 ready", "- 10.244.0.2 ready"]);
  const web = service("shop/web 10.96.0.1 http:80/tcp");
  const cut = service("shop/web 10.96.0.1 http:80/tcp", undefined, { internalTrafficPolicy: "Local" });
  assert.deepEqual(objectChanges(web, cut), ["internalTrafficPolicy: none -> Local"]);
  assert.deepEqual(objectChanges(undefined, web), [], "what appears is named by its kind alone");
});

Deno.test("endpoints came, went or changed their condition; each has its node and pod", () => {
  const before = slice(
    "shop/web-a http:80/tcp 10.0.0.1@node-a 10.0.0.2@node-b 10.0.0.3@node-a 10.0.0.5@node-a",
  );
  const after = slice("shop/web-a http:80/tcp !10.0.0.1@node-a 10.0.0.3@node-a 10.0.0.4 10.0.0.5@node-c");
  const named = after.endpoints.map((one, i) =>
    i === 2 ? { ...one, targetRef: { kind: "Pod", name: "web-9" } } : one
  );
  assert.deepEqual(endpointChanges(before, { ...after, endpoints: named }).map(endpointChangeText), [
    "10.0.0.1 on node-a: ready -> not ready",
    "- 10.0.0.2 ready on node-b",
    "+ 10.0.0.4 ready (shop/web-9)",
    "10.0.0.5 on node-c: ready -> ready, before on node-a",
  ]);
  assert.equal(endpointChanges(undefined, before).length, 4);
  assert.equal(endpointChanges(before, undefined).length, 4);
  assert.deepEqual(endpointChanges(before, before), []);
  const hinted = before.endpoints.map((one) => ({ ...one, hints: { forZones: [{ name: "z1" }] } }));
  assert.match(
    endpointChangeText(endpointChanges(before, { ...before, endpoints: hinted })[0]!),
    /ready -> ready for z1$/,
  );
});

Deno.test("absent conditions mean ready", () => {
  const of = (conditions?: object) => readiness({ addresses: [], ...(conditions && { conditions }) });
  assert.deepEqual(
    [
      of(),
      of({}),
      of({ ready: false }),
      of({ ready: false, terminating: true }),
      of({
        serving: false,
        terminating: true,
      }),
    ],
    ["ready", "ready", "not ready", "terminating, serving", "terminating"],
  );
});
