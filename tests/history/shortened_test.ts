// How much of a list a person is shown.

import assert from "node:assert/strict";
import { shortened, shortenedOutcomes } from "../../src/history/shortened.ts";
import type { Outcome } from "../../src/history/trace.ts";

const numbers = (length: number) => Array.from({ length }, (_, i) => i);

Deno.test("a list is whole, or its first entries are shown and the others counted", () => {
  assert.deepEqual(shortened(numbers(16)), { shown: numbers(16), more: [] });
  const { shown, more } = shortened(numbers(17));
  assert.deepEqual([shown, more.length], [numbers(8), 9]);
  assert.deepEqual(shortened(numbers(17), true), { shown: numbers(17), more: [] });
  assert.deepEqual(shortened([]), { shown: [], more: [] });
});

Deno.test("of outcomes without an answer one is shown, and none twice", () => {
  const outcome = (kind: Outcome["kind"], port: number) =>
    ({ kind, port, destination: "10.0.0.1", masqueraded: false, probability: 0.01 }) as Outcome;
  const all = numbers(100).map((i) => outcome(i === 50 || i === 60 ? "drop" : "deliver", i));
  const { shown, more } = shortenedOutcomes(all);
  assert.deepEqual(shown.map(({ port }) => port), [...numbers(8), 50]);
  assert.equal(more.length, 91);
  assert.ok(!more.some(({ port }) => port === 50));
  const first = shortenedOutcomes([outcome("drop", 1000), ...all]);
  assert.deepEqual(
    first.shown.map(({ port }) => port),
    [1000, ...numbers(7)],
    "one is among the first already",
  );
});
