// JSON values of unknown shape: null, lists and single values have no fields.

import assert from "node:assert/strict";
import { fieldsOf, isComposite, isJsonObject } from "../../src/kube/json_value.ts";

Deno.test("only an object has fields that can be trusted to be named", () => {
  assert.ok(isJsonObject({}));
  for (const value of [null, undefined, "text", 1, true, []]) assert.ok(!isJsonObject(value), String(value));
  assert.ok(isComposite([]), "a list has fields by number");
  assert.ok(!isComposite(null));
});

Deno.test("what is no object has no fields", () => {
  assert.deepEqual(fieldsOf({ a: 1 }), { a: 1 });
  for (const value of [null, undefined, "text", 1]) assert.deepEqual(fieldsOf(value), {}, String(value));
});
