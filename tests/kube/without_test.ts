// Values without some of their parts.

import assert from "node:assert/strict";
import { valueAt, without } from "../../src/kube/without.ts";

const VALUE = { spec: { ports: [{ port: 80 }, { port: 81 }], type: "ClusterIP" }, status: {} };

Deno.test("parts at several paths are left out, lists close their gaps, and the rest is shared", () => {
  const rest = without(VALUE, [["spec", "ports", 0], ["spec", "type"]]);
  assert.deepEqual(rest, { spec: { ports: [{ port: 81 }] }, status: {} });
  assert.equal(valueAt(rest, ["status"]), VALUE.status);
  assert.equal(without(VALUE, []), VALUE);
});

Deno.test("a path that leads nowhere changes nothing and has no value", () => {
  assert.deepEqual(without(VALUE, [["spec", "ports", 7, "port"], ["metadata", "name"]]), VALUE);
  assert.equal(valueAt(VALUE, ["spec", "ports", 7, "port"]), undefined);
  assert.equal(valueAt(VALUE, ["spec", "ports", 1, "port"]), 81);
});
