// A map that nearly always has one entry does what a Map does.

import assert from "node:assert/strict";
import fc from "fast-check";
import { SmallMap } from "../../src/fold/small_map.ts";

Deno.test("whatever is entered and removed, a small map holds what a Map holds, in its order", () => {
  const key = fc.constantFrom("a", "b", "c");
  const change = fc.oneof(fc.tuple(key, fc.nat()), fc.tuple(key, fc.constant(undefined)));
  fc.assert(fc.property(fc.array(change), (changes) => {
    const [small, map] = [new SmallMap<string, number>(), new Map<string, number>()];
    for (const [key, value] of changes) {
      if (value !== undefined) [small, map].forEach((one) => one.set(key, value));
      else assert.equal(small.delete(key), map.delete(key));
      assert.deepEqual([...small], [...map]);
      assert.deepEqual([...small.values()], [...map.values()]);
      assert.equal(small.size, map.size);
      for (const one of ["a", "b", "c"]) {
        assert.equal(small.get(one), map.get(one));
        assert.equal(small.has(one), map.has(one));
      }
    }
  }));
});
