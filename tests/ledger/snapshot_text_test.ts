// The lines of a snapshot are parsed in pieces, and single ones are found before that.

import assert from "node:assert/strict";
import fc from "fast-check";
import { SnapshotText } from "../../src/ledger/snapshot_text.ts";
import { textOf } from "../support/ordered_lines.ts";

type Line = { readonly at: number; readonly text: string };
const lines = (...all: readonly number[]): Line[] => all.map((at) => ({ at, text: "ä".repeat(at % 40) }));
const text = (of: Iterable<unknown>) => new SnapshotText<Line>(textOf(of), () => undefined);
const near = (at: number) => (line: Line) => line.at - at;

Deno.test("a line that is there is found until all are parsed, and another one is not", () => {
  const numbers = fc.uniqueArray(fc.nat(500), { maxLength: 60 });
  fc.assert(fc.property(numbers, (all) => {
    const sorted = lines(...all.sort((a, b) => a - b));
    const snapshot = text(sorted);
    for (let at = 0; at <= 500; at += 7) {
      assert.deepEqual(snapshot.find(near(at)), sorted.find((line) => line.at === at));
    }
    for (const line of sorted) assert.deepEqual(snapshot.find(near(line.at)), line);
    if (!snapshot.isParsed) snapshot.parsePiece();
    assert.deepEqual([snapshot.isParsed, snapshot.lines], [true, sorted]);
    for (const line of sorted) assert.equal(snapshot.find(near(line.at)), undefined, "the text is gone");
  }));
});

Deno.test("a snapshot is parsed in pieces of some hundred kilobytes, and says what is wrong with its lines", () => {
  const many = Array.from({ length: 40_000 }, (_, at) => ({ at, text: "twenty characters or so" }));
  const whole = text(many);
  let pieces = 0;
  for (; !whole.isParsed; pieces++) whole.parsePiece();
  assert.ok(pieces >= 3 && pieces <= 10, `${pieces} pieces`);
  assert.deepEqual([whole.lines, whole.misfit], [many, undefined]);

  const checked = new SnapshotText<Line>(
    textOf(many),
    (line, number) => (line as Line).at === 30_000 ? `it is line ${number}` : undefined,
  );
  while (!checked.isParsed) checked.parsePiece();
  assert.equal(checked.misfit, "not a snapshot: line 30002: it is line 30000");

  const broken = new SnapshotText<Line>(new TextEncoder().encode('{"at":1}\n{"at":\n'), () => undefined);
  broken.parsePiece();
  assert.match(broken.misfit!, /^not whole: /);
});

Deno.test("a line that is wrong is not found, and only the first one counts as line 0", () => {
  const numbers: number[] = [];
  const snapshot = new SnapshotText<Line>(textOf(lines(1, 2, 3, 4, 5, 6, 7, 8, 9)), (line, number) => {
    numbers.push(number);
    return (line as Line).at === 9 ? "nine" : undefined;
  });
  assert.equal(snapshot.find(near(9)), undefined);
  assert.deepEqual(snapshot.find(near(1)), lines(1)[0]);
  assert.ok(numbers.includes(0) && numbers.every((number) => number <= 1));
  for (const bytes of ['{"at":1}\n{"at":\n', "\n\n\n"]) {
    const broken = new SnapshotText<Line>(new TextEncoder().encode(bytes), () => undefined);
    assert.equal(broken.find(near(2)), undefined, bytes);
  }
});
