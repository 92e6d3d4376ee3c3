// Zooming and moving stay within the window.

import assert from "node:assert/strict";
import fc from "fast-check";
import { shifted, wholeRange, withinRange, zoomed } from "../../src/report/time_range.ts";

Deno.test("zoom keeps the time under the pointer in its place", () => {
  assert.deepEqual(zoomed({ begin: 100, end: 200 }, 150, 0.5), { begin: 125, end: 175 });
  assert.deepEqual(zoomed({ begin: 100, end: 200 }, 100, 0.5), { begin: 100, end: 150 });
  assert.deepEqual(zoomed({ begin: 100, end: 200 }, 200, 2), { begin: 0, end: 200 });
  assert.deepEqual(shifted({ begin: 100, end: 200 }, -0.25), { begin: 75, end: 175 });
});

Deno.test("no range is empty or outside the window, whatever is asked for", () => {
  const number = fc.double({ noNaN: true, min: -1e13, max: 1e13 });
  fc.assert(
    fc.property(fc.nat(1e9), fc.nat(1e9), number, number, (first, length, begin, end) => {
      const whole = wholeRange(first, first + length);
      const range = withinRange({ begin, end }, whole);
      assert.ok(range.begin >= whole.begin && range.end <= whole.end + 1e-3, JSON.stringify(range));
      assert.ok(range.end > range.begin);
      const again = withinRange(range, whole);
      assert.ok(Math.abs(again.begin - range.begin) < 1e-3 && Math.abs(again.end - range.end) < 1e-3);
    }),
  );
  const whole = wholeRange(5000, 5000);
  assert.deepEqual(withinRange({ begin: 0, end: 1e9 }, whole), whole);
});
