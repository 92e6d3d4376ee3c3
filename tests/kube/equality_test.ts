// Equality of JSON values.

import assert from "node:assert/strict";
import fc from "fast-check";
import { sameValue } from "../../src/kube/equality.ts";

Deno.test("the order of keys does not count, and everything else does", () => {
  assert.ok(sameValue({ a: 1, b: [null, { c: "x" }] }, { b: [null, { c: "x" }], a: 1 }));
  const different: [unknown, unknown][] = [
    [{ a: 1 }, { a: 1, b: undefined }],
    [[1, 2], [2, 1]],
    [[], {}],
    [null, {}],
    ["1", 1],
    [{ a: undefined }, { b: undefined }],
  ];
  for (const [a, b] of different) assert.ok(!sameValue(a, b) && !sameValue(b, a), JSON.stringify([a, b]));
});

Deno.test("a value equals its copy, and no value with one part more", () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => {
    assert.ok(sameValue(value, structuredClone(value)));
    assert.ok(!sameValue(value, [value]));
  }));
});
