// The difference that an event makes to an object, as lines.

import assert from "node:assert/strict";
import { objectChange } from "../../src/report/object_change.ts";
import { service, slice } from "../support/cluster_notation.ts";

Deno.test("the change of a slice is listed by endpoint, that of a Service by field", () => {
  const before = slice("shop/web-a http:8080/tcp 10.244.0.1 10.244.0.2");
  const after = slice("shop/web-a http:8080/tcp !10.244.0.2 10.244.0.3");
  assert.deepEqual(objectChange(before, after), [
    "− 10.244.0.1 ready",
    "10.244.0.2: ready → not ready",
    "+ 10.244.0.3 ready",
  ]);
  assert.deepEqual(objectChange(before, before), []);
  assert.deepEqual(objectChange(before, undefined), ["− 10.244.0.1 ready", "− 10.244.0.2 ready"]);
  const web = service("shop/web 10.96.0.1 http:80/tcp");
  const cut = service("shop/web 10.96.0.1 http:80/tcp", undefined, { internalTrafficPolicy: "Local" });
  assert.deepEqual(objectChange(web, cut), ['spec.internalTrafficPolicy: nothing → "Local"']);
});
