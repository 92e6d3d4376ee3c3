// The laws of Delta.

import assert from "node:assert/strict";
import fc from "fast-check";
import { ElementMap } from "../../src/fold/element_map.ts";
import { canonicalKey, type Elements } from "../../src/nft/ruleset.ts";
import { applyDelta, compose, type Delta, diff, invert, type MutableElements } from "../../src/plan/delta.ts";
import { arbitraryElements as elements, VERDICTS } from "../support/arbitrary_elements.ts";

const copy = (all: Elements): MutableElements =>
  new Map([...all].map(([path, set]) => [path, new ElementMap(set.values())]));

function applied(all: Elements, ...deltas: Delta[]): Elements {
  const result = copy(all);
  for (const delta of deltas) applyDelta(result, delta);
  return new Map([...result].map(([path, set]) => [path, new Map(set)]));
}

Deno.test("apply(a, diff(a, b)) = b, and diff(a, a) is empty", () => {
  fc.assert(fc.property(elements, elements, (a, b) => {
    assert.deepEqual(applied(a, diff(a, b)), b);
    assert.deepEqual(diff(a, copy(a)), []);
  }));
});

Deno.test("compose(d, e) has the effect of d, then e; it is associative; apply(apply(a, d), invert(d)) = a", () => {
  fc.assert(fc.property(elements, elements, elements, elements, (a, b, c, d) => {
    const [first, second, third] = [diff(a, b), diff(b, c), diff(c, d)];
    assert.deepEqual(applied(a, compose(first, second)), applied(a, first, second));
    assert.deepEqual(compose(compose(first, second), third), compose(first, compose(second, third)));
    assert.deepEqual(applied(a, first, invert(first)), a);
  }));
});

Deno.test("a delta is applied only to elements that are as before its changes", () => {
  const a: Elements = new Map([[VERDICTS, new Map()]]);
  const b: Elements = new Map([[
    VERDICTS,
    new Map([[canonicalKey("k"), { key: canonicalKey("k"), value: "drop" }]]),
  ]]);
  assert.throws(() => applyDelta(copy(b), diff(a, b)), /not what the delta changes/);
});
