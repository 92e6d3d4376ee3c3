// Tables and lengths of time as text.

import assert from "node:assert/strict";
import { lengthText, rangeText, tableLines, tableOr } from "../../src/history/table_words.ts";

Deno.test("columns are as wide as their widest cell, the last is not padded", () => {
  assert.deepEqual(tableLines([["A", "BB", "C"], ["long", "", "x"], ["é", "🦀🦀🦀", ""]]), [
    "A     BB   C",
    "long       x",
    "é     🦀🦀🦀",
  ]);
  assert.deepEqual(tableLines([]), []);
  assert.deepEqual(tableOr("nothing", ["A"], []), ["nothing"]);
  assert.deepEqual(tableOr("nothing", ["A"], [["b"]]), ["A", "b"]);
});

Deno.test("a range names its first and its last record; one without records says so", () => {
  assert.deepEqual([rangeText(0, 13), rangeText(4, 4), rangeText(5, 4)], [
    "@0 to @13",
    "@4 to @4",
    "no records",
  ]);
});

Deno.test("a length of time has about three digits", () => {
  const cases: [number, string][] = [
    [0, "0 ms"],
    [0.42, "0.4 ms"],
    [12.4, "12 ms"],
    [3210, "3.2 s"],
    [60_000, "1 min"],
    [252_000, "4 min 12 s"],
    [7_500_000, "2 h 5 min"],
    [90_000_000, "1 d 1 h"],
    [-1500, "-1.5 s"],
  ];
  for (const [milliseconds, text] of cases) assert.equal(lengthText(milliseconds), text);
});
