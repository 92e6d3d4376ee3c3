// How old a ledger is by the times of its own records.

import assert from "node:assert/strict";
import fc from "fast-check";
import { ageBehind, NEWBORN } from "../../src/ledger/age.ts";
import type { LedgerRecord } from "../../src/ledger/record.ts";
import { EVERY_KIND } from "../support/ledger_records.ts";

const DAY = 24 * 3600 * 1000;
const START = Date.parse("2026-01-01T00:00:00Z");

const at = (milliseconds: number, record: LedgerRecord = EVERY_KIND[0]!): LedgerRecord => ({
  ...record,
  time: new Date(START + milliseconds).toISOString(),
});
const age = (...records: readonly LedgerRecord[]) => records.reduce(ageBehind, NEWBORN).milliseconds;

Deno.test("the age is the time between records", () => {
  assert.equal(age(at(0)), 0);
  assert.equal(age(at(0), at(1000), at(5000)), 5000);
});

Deno.test("a step forwards counts a day at most, one back nothing, and what follows counts again", () => {
  assert.equal(age(at(0), at(400 * DAY), at(400 * DAY + 7)), DAY + 7);
  assert.equal(age(at(0), at(-400 * DAY), at(-400 * DAY + 7)), 7);
});

Deno.test("events, and times that are none, do not count", () => {
  assert.equal(age(at(0), at(DAY, EVERY_KIND[1]), at(10)), 10);
  assert.equal(age(at(0), { ...at(0), time: "yesterday" }, at(10)), 10);
});

Deno.test("whatever the clock does, an age never falls and never grows by more than a day a record", () => {
  const times = fc.array(fc.integer({ min: -(2 ** 42), max: 2 ** 42 }), { minLength: 1 });
  fc.assert(fc.property(times, (times) => {
    let before = ageBehind(NEWBORN, at(times[0]!));
    for (const time of times.slice(1)) {
      const after = ageBehind(before, at(time));
      const step = after.milliseconds - before.milliseconds;
      assert.ok(step >= 0 && step <= DAY, `${step}`);
      before = after;
    }
  }));
});
