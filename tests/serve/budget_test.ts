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
