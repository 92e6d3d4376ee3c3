// A budget for each subject.

import assert from "node:assert/strict";
import { Budget } from "../../src/serve/budget.ts";

Deno.test("a subject has a burst, then one at a time, and another subject has its own", () => {
  let now = 0;
  const budget = new Budget(3, 1000, () => now);
  const admitted = (subject: string, tries: number) =>
    Array.from({ length: tries }, () => budget.admits(subject)).filter(Boolean).length;
  assert.equal(admitted("a", 10), 3);
  assert.equal(admitted("b", 2), 2);
  now += 2500;
  assert.equal(admitted("a", 10), 2);
  now += 100_000;
  assert.equal(admitted("a", 10), 3);
});

/** How many entries of maps `action` walks over. */
function steps(action: () => void): number {
  const entries = Map.prototype[Symbol.iterator];
  let count = 0;
  Map.prototype[Symbol.iterator] = function <K, V>(this: Map<K, V>) {
    count += this.size;
    return entries.call(this) as MapIterator<[K, V]>;
  };
  try {
    action();
  } finally {
    Map.prototype[Symbol.iterator] = entries;
  }
  return count;
}

Deno.test("calls walk over the subjects once in a while, and forget those with a full budget", () => {
  let now = 0;
  const budget = new Budget(3, 1000, () => now);
  const SUBJECTS = 500;
  const all = () => {
    for (let i = 0; i < SUBJECTS; i++) assert.ok(budget.admits(`subject ${i}`));
  };
  assert.ok(steps(all) <= SUBJECTS);
  now += 500;
  assert.ok(steps(all) <= SUBJECTS);
  now += 100_000;
  budget.admits("another");
  now += 100_000;
  assert.equal(steps(() => budget.admits("another")), 1, "subjects that were kept");
});

Deno.test("what was refused is counted until one is admitted", () => {
  let now = 0;
  const budget = new Budget(2, 1000, () => now);
  for (let i = 0; i < 5; i++) budget.admits("a");
  assert.deepEqual([budget.refused("a"), budget.refused("b")], [3, 0]);
  now += 1000;
  budget.admits("a");
  assert.equal(budget.refused("a"), 0);
});
