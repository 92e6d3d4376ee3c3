// What a gap record counts, over several runs of the loop.

import assert from "node:assert/strict";
import { gapAfter } from "../../src/node/record_gap.ts";

const TIME = "2026-01-01T00:00:00.000Z";
/** Ten records before offset 100 are missing, of which rules follow all; `at`: where their gap record was to be. */
const carried = (at: number | undefined) => ({
  gap: { time: TIME, reason: "the disk hangs", records: 10, committed: true },
  at,
});
const after = (
  records: number,
  next: number,
  committed: number,
  at?: { readonly at: number | undefined },
) => {
  const gap = gapAfter(TIME, { reason: "lost", records }, next, committed, at && carried(at.at));
  return [gap.reason, gap.records, gap.committed];
};

Deno.test("the records that are not in the ledger count, and whether rules follow one of them", () => {
  assert.deepEqual(after(3, 8, 4), ["lost", 3, false]);
  assert.deepEqual(after(3, 8, 5), ["lost", 3, true]);
});

Deno.test("a gap whose record is in the ledger counts no more", () => {
  assert.deepEqual(after(3, 108, 0, { at: 100 }), ["lost", 3, false]);
  assert.deepEqual(after(8, 109, 0, { at: 100 }), ["lost", 8, false]);
});

Deno.test("a gap whose record was lost too is in the next one, without its record", () => {
  assert.deepEqual(after(8, 108, 0, { at: 100 }), ["lost", 10 + 7, true]);
  assert.deepEqual(after(1, 101, 0, { at: 100 }), ["lost", 10, true]);
  assert.deepEqual(after(0, 100, 0, { at: 100 }), ["lost", 10, true], "it was not appended yet");
});

Deno.test("a run without a ledger adds all of its records", () => {
  assert.deepEqual(after(4, 4, 0, { at: undefined }), ["lost", 14, true]);
});
