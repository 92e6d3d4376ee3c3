// Sorting in steps gives what sorting at once gives, and no step has many comparisons.

import assert from "node:assert/strict";
import fc from "fast-check";
import { sortInSteps } from "../../src/fold/sorting.ts";
import { SORTED_AT_ONCE } from "../../src/limits/rules.ts";

type Item = readonly [number, number];

/** The sorted items, and the most comparisons of one step. */
function sorted(items: readonly Item[]): { readonly all: Item[]; readonly most: number } {
  let [compared, most] = [0, 0];
  const work = sortInSteps(items, ([a], [b]) => {
    compared++;
    return a - b;
  });
  for (;;) {
    const step = work.next();
    most = Math.max(most, compared);
    compared = 0;
    if (step.done) return { all: step.value, most };
  }
}

Deno.test("items that are sorted in steps have the order of a sort at once, equal ones that in which they came", () => {
  const lengths = fc.constantFrom(0, 1, 5, SORTED_AT_ONCE, SORTED_AT_ONCE + 1, 3 * SORTED_AT_ONCE + 7);
  fc.assert(
    fc.property(lengths, fc.integer({ min: 1, max: 1e9 }), (length, seed) => {
      const items = Array.from({ length }, (_, i) => [Math.imul(i + 1, seed) & 1023, i] as const);
      assert.deepEqual(sorted(items).all, items.toSorted(([a], [b]) => a - b));
    }),
    { numRuns: 30 },
  );
});

Deno.test("however many items there are, a step compares no more of them", () => {
  const items = Array.from({ length: 100_000 }, (_, i) => [Math.imul(i, 2654435761) >>> 0, i] as const);
  assert.ok(sorted(items).most < 16 * SORTED_AT_ONCE);
});
