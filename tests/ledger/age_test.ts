// The age of a ledger by the times of its own records.

import assert from "node:assert/strict";
import fc from "fast-check";
import { ageBehind, NEWBORN } from "../../src/ledger/age.ts";
import type { LedgerRecord } from "../../src/ledger/record.ts";
import { EVERY_KIND } from "../support/ledger_records.ts";

const DAY = 24 * 3600 * 1000;
const HOUR = 3600 * 1000;
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

Deno.test("a clock that was set forwards adds at most a day, one that was set back adds nothing", () => {
  assert.equal(age(at(0), at(400 * DAY), at(400 * DAY + 7)), DAY + 7);
  assert.equal(age(at(0), at(-400 * DAY), at(-400 * DAY + 7)), 7);
});

Deno.test("events and records without a valid time do not count", () => {
  assert.equal(age(at(0), at(DAY, EVERY_KIND[1]), at(10)), 10);
  assert.equal(age(at(0), { ...at(0), time: "yesterday" }, at(10)), 10);
});

Deno.test("an age never falls, and grows by at most a day per record, however the clock is set", () => {
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

Deno.test("a clock that jumps again and again adds two days at most, whether it is set back or not", () => {
  for (const jump of [30 * DAY, 23 * HOUR]) {
    const flapping = Array.from({ length: 200 }, (_, i) => at(i * 1000 + (i % 2) * jump));
    assert.ok(age(...flapping) <= 2 * DAY, `${age(...flapping)} after jumps of ${jump}, each taken back`);
  }
  const forwards = Array.from({ length: 60 }, (_, i) => [at(i * 400 * DAY), at(i * 400 * DAY + HOUR)]);
  assert.ok(age(...forwards.flat()) <= 5 * DAY, `${age(...forwards.flat())} after 60 hours and 60 jumps`);
});

Deno.test("time that was counted while a clock was ahead is not counted again", () => {
  const ahead = [at(0), at(20 * HOUR), at(0)];
  assert.equal(age(...ahead), 20 * HOUR);
  const hours = Array.from({ length: 48 }, (_, hour) => at((hour + 1) * HOUR));
  assert.equal(age(...ahead, ...hours), 48 * HOUR);
});
