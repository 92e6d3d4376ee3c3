// Maps in chunks: they hold what a Map holds, and their difference is found in the chunks that differ.

import assert from "node:assert/strict";
import fc from "fast-check";
import { ChunkedMap } from "../../src/fold/chunked_map.ts";

const key = fc.nat({ max: 300 }).map((n) => `10.0.${n >> 4}.${n}`);
const entries = fc.array(fc.tuple(key, fc.nat({ max: 3 })));

Deno.test("a map in chunks has the entries that a Map has after the same changes", () => {
  fc.assert(fc.property(entries, fc.array(key), entries, (first, gone, come) => {
    const map = new Map(first);
    const chunked = ChunkedMap.from(first);
    assert.deepEqual(new Map(chunked), map);
    const after = new Map(map);
    for (const one of gone) after.delete(one);
    for (const [one, value] of come) after.set(one, value);
    const changed = chunked.with(gone, come);
    assert.deepEqual(new Map(changed), after);
    assert.equal(changed.size, after.size);
    assert.deepEqual([...changed.keys()].sort(), [...after.keys()].sort());
    assert.deepEqual([...changed.values()].sort(), [...after.values()].sort());
    for (const one of [...map.keys(), "none"]) {
      assert.deepEqual([changed.get(one), changed.has(one)], [after.get(one), after.has(one)]);
    }
    assert.deepEqual(new Map(chunked), map, "the map before stays as it was");
  }));
});

Deno.test("the chunks that differ have every entry that differs, and after one change they are one", () => {
  fc.assert(fc.property(entries, key, (first, one) => {
    const before = ChunkedMap.from(first);
    const after = before.with([], [[one, 9]]);
    const differing = [...before.differing(after)];
    assert.equal(differing.length, 1);
    assert.deepEqual([differing[0]![0].get(one), differing[0]![1].get(one)], [before.get(one), 9]);
    assert.deepEqual([...before.differing(before)], []);
  }));
});
