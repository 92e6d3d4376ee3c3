// The text that `verify` prints.

import assert from "node:assert/strict";
import { differences, sideOfPast } from "../../src/history/diff.ts";
import { stateAt } from "../../src/history/past.ts";
import { kernelProblems, verdictLines } from "../../src/history/verify_words.ts";
import { committedPast } from "../support/past.ts";

const NONE = { count: 0, through: null, key: null, nextKey: null };
const VERDICT = {
  ledger: "a",
  first: 0,
  last: 6,
  segments: 2,
  snapshots: 1,
  checkpoints: NONE,
  problems: [],
  notes: [],
};

Deno.test("a verdict is one line, with a line below for each problem and note", () => {
  assert.deepEqual(verdictLines("DIR", VERDICT), ["DIR: @0 to @6, 2 segments, 1 snapshot: whole"]);
  assert.deepEqual(verdictLines("DIR", { ...VERDICT, first: 7 }), [
    "DIR: no records, 2 segments, 1 snapshot: whole",
  ]);
  assert.deepEqual(verdictLines("DIR", { ...VERDICT, problems: ["a", "b"], notes: ["c"] }), [
    "DIR: @0 to @6, 2 segments, 1 snapshot: NOT whole",
    "  a",
    "  b",
    "  note: c",
  ]);
});

Deno.test("it says which records are signed, which are not, and what a witness confirms", () => {
  const checkpoints = { count: 2, through: 4, key: "KEY", nextKey: "NEXT" };
  assert.deepEqual(
    verdictLines("DIR", { ...VERDICT, checkpoints, witness: { count: 3, through: 5 } }).slice(1),
    [
      "  2 checkpoints; the records before @4 are signed; @5 to @6 are not",
      "  key for the next audit: KEY",
      "  heads of the witness that the ledger has: 3; the last is of the records before @5",
    ],
  );
  const all = { count: 2, through: 6, key: "KEY", nextKey: "NEXT" };
  assert.deepEqual(
    verdictLines("DIR", { ...VERDICT, checkpoints: all, witness: { count: 0, through: null } }).slice(1),
    [
      "  2 checkpoints; the records before @6 are signed",
      "  key for the next audit: KEY",
      "  heads of the witness that the ledger has: 0",
    ],
  );
});

Deno.test("an element of the kernel differs, is too much or is missing; of many only the first are named", () => {
  const past = committedPast();
  const found = differences(sideOfPast(stateAt(past, 2)), sideOfPast(stateAt(past, 4)))
    .filter(({ set }) => set.endsWith(" endpoints"));
  const slot = (number: number) => `kernel: ip ledgerproxy endpoints { 10.96.0.1 . tcp . 80 . ${number} }`;
  const changed = { ...found[0]!, after: found[1]!.before };
  assert.deepEqual(kernelProblems({ disagreement: "half", elements: [changed, found[1]!] }), [
    "kernel: half: the table of one family is gone",
    `${slot(0)} differs`,
    `${slot(1)} is too much`,
  ]);
  const missing = { ...found[1]!, before: null, after: found[1]!.before };
  assert.deepEqual(kernelProblems({ disagreement: undefined, elements: [missing] }), [
    `${slot(1)} is missing`,
  ]);
  const many = kernelProblems({ disagreement: undefined, elements: Array(13).fill(missing) });
  assert.deepEqual([many.length, many.at(-1)], [11, "kernel: and 3 more elements"]);
});
