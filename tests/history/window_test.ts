// Windows of a ledger. The bounds of a report are tested in tests/cli/commands/report_test.ts.

import assert from "node:assert/strict";
import { parsePosition, type PositionExpression } from "../../src/history/position_expression.ts";
import { spanOf, type WindowBounds, windowOf } from "../../src/history/window.ts";
import { lines } from "../support/cluster_notation.ts";
import { stateAt } from "../../src/history/past.ts";
import { committedPast, timeAt } from "../support/past.ts";

const PAST = committedPast();
const ALL = { records: Infinity, bytes: Infinity };
const at = (text: string) => parsePosition(text) as PositionExpression;
const window = (bounds: Partial<WindowBounds>) => windowOf(PAST, { ...ALL, ...bounds });

Deno.test("a window has the state at its beginning and the records after it", () => {
  const whole = window({})!;
  assert.deepEqual([whole.first, whole.records.length, whole.state, whole.causes], [0, 7, undefined, []]);
  const some = window({ since: at("@2"), until: at("@4") })!;
  assert.deepEqual(some.records, [3, 4].map((offset) => PAST.lookup()(offset)!.record));
  assert.deepEqual(lines(some.state!.desired), lines(stateAt(PAST, 2).state.desired));
  assert.deepEqual(some.causes.map(({ offset }) => offset), [0, 1]);
  assert.deepEqual(some.leftOut, { before: 3, after: 2, oldest: timeAt(1), newest: timeAt(3) });
});

Deno.test("with a bound only the newest records are in the window; a window without records is undefined", () => {
  assert.deepEqual([window({ records: 2 })!.first, window({ bytes: 1 })!.first], [5, 6]);
  assert.equal(window({ since: at("@4"), until: at("@4") }), undefined);
});

Deno.test("a range may be empty; one that ends before it begins is refused, with both of its ends", () => {
  const span = (since: string, until: string) => spanOf(PAST, at(since), at(until));
  assert.deepEqual(span("@4", "@4"), { from: 5, through: 4 });
  assert.throws(() => span("@4", "@3"), /^WrongPosition: since @4 until @3: the range ends before it begins/);
  assert.throws(() => span("HEAD", "@3"), /since @6 until @3:/);
  const [early, late] = ["2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z"];
  assert.throws(() => span(late, early), /since 2020-01-02T00:00:00Z until 2020-01-01T00:00:00Z:/);
});
