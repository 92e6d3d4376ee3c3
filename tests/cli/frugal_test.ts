// Garbage is collected while a question reads many segments.

import assert from "node:assert/strict";
import { frugal } from "../../src/cli/frugal.ts";

Deno.test("every sixteenth segment of the journal collects, and progress is reported as before", () => {
  const reported: string[] = [];
  let collected = 0;
  const progress = frugal(
    (work) => (count) => void reported.push(`${work} ${count}`),
    () => void collected++,
  );
  const segments = progress("records of the journal");
  for (let i = 1; i <= 40; i++) segments(i);
  assert.deepEqual([collected, reported.length, reported.at(-1)], [2, 40, "records of the journal 40"]);
  const records = progress("records read from the ledger");
  for (let i = 1; i <= 40; i++) records(i);
  assert.equal(collected, 2, "the first state of a question");
  progress("records read from the ledger");
  assert.equal(collected, 3, "and what it left, before the second");
});
