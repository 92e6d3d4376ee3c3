// A map that shows any of its past moments.

import assert from "node:assert/strict";
import { lastAt, PastMap } from "../../src/report/past_map.ts";

Deno.test("a map shows the values at its moment: changed, deleted, new, and those that never changed", () => {
  const shown = { at: 9 };
  const map = new PastMap(shown, new Map([["kept", 1], ["changed", 2], ["deleted", 3]]));
  map.note(10, "changed", 20);
  map.note(11, "deleted", undefined);
  map.note(12, "new", 4);
  map.note(14, "changed", 21);
  const entries = (at: number) => {
    shown.at = at;
    assert.equal(map.size, [...map].length);
    for (const [key, value] of map) assert.equal(map.get(key), value);
    return Object.fromEntries(map);
  };
  assert.deepEqual(entries(9), { kept: 1, changed: 2, deleted: 3 });
  assert.deepEqual(entries(11), { kept: 1, changed: 20 });
  assert.deepEqual(entries(13), { kept: 1, changed: 20, new: 4 });
  assert.deepEqual(entries(99), { kept: 1, changed: 21, new: 4 });
  assert.deepEqual(entries(10), { kept: 1, changed: 20, deleted: 3 });
  assert.equal(map.latest("changed"), 21);
  assert.equal(map.has("new"), false);
});

Deno.test("the last of sorted numbers that is not greater", () => {
  const sorted = [1, 4, 4, 9];
  assert.deepEqual([0, 1, 3, 4, 8, 9, 10].map((at) => lastAt(sorted, at)), [-1, 0, 0, 2, 2, 3, 3]);
  assert.equal(lastAt([], 1), -1);
});
