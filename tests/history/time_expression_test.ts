// Times as people say them, with a clock and a zone that the test chooses.

import assert from "node:assert/strict";
import fc from "fast-check";
import { parseLength, parseTime, type ReaderClock, rfc3339 } from "../../src/history/time_expression.ts";

/** 15:00 on a Thursday in a zone that is `minutes` east of UTC all year. */
const clock = (minutes: number): ReaderClock => ({
  now: Date.parse("2026-11-26T15:00:00Z") - minutes * 60_000,
  minutesEast: () => minutes,
});

/** Central European Time of 2026: two hours east from 29 March to 25 October, one hour else (01:00 UTC each). */
const berlin = (now: string): ReaderClock => ({
  now: Date.parse(now),
  minutesEast: (moment) => moment >= Date.UTC(2026, 2, 29, 1) && moment < Date.UTC(2026, 9, 25, 1) ? 120 : 60,
});

function utc(text: string, at: ReaderClock | undefined): string {
  const found = parseTime(text, at);
  return found === undefined ? "none" : new Date(found).toISOString();
}

Deno.test("a time of day, a day, a date and a length of time mean moments in the reader's zone", () => {
  const cases: [string, string][] = [
    ["03:12", "2026-11-25T21:27:00.000Z"],
    ["3:12", "2026-11-25T21:27:00.000Z"],
    ["03:12:30.5", "2026-11-25T21:27:30.500Z"],
    ["14:59", "2026-11-26T09:14:00.000Z"],
    ["15:01", "2026-11-25T09:16:00.000Z"],
    ["yesterday 14:00", "2026-11-25T08:15:00.000Z"],
    ["Yesterday", "2026-11-24T18:15:00.000Z"],
    ["today 03:12", "2026-11-25T21:27:00.000Z"],
    ["now", "2026-11-26T09:15:00.000Z"],
    ["5m", "2026-11-26T09:10:00.000Z"],
    ["-5m", "2026-11-26T09:10:00.000Z"],
    ["2 hours ago", "2026-11-26T07:15:00.000Z"],
    ["1h30m", "2026-11-26T07:45:00.000Z"],
    ["1.5h", "2026-11-26T07:45:00.000Z"],
    ["3 days, 2 hours ago", "2026-11-23T07:15:00.000Z"],
    ["2w", "2026-11-12T09:15:00.000Z"],
    ["2026-11-23", "2026-11-22T18:15:00.000Z"],
    ["2026-11-23 03:12", "2026-11-22T21:27:00.000Z"],
    ["2026-11-23T03:12:00Z", "2026-11-23T03:12:00.000Z"],
    ["2026-11-23T03:12:00.123456789+02:00", "2026-11-23T01:12:00.123Z"],
    ["2026-11-23 03:12:00.123 -05:45", "2026-11-23T08:57:00.123Z"],
    // A time of day in another zone is the last one there: the reader's clock shows 15:00, that of UTC 09:15.
    ["03:12 UTC", "2026-11-26T03:12:00.000Z"],
    ["09:16Z", "2026-11-25T09:16:00.000Z"],
    ["03:12 +01:00", "2026-11-26T02:12:00.000Z"],
    ["yesterday 14:00 GMT", "2026-11-25T14:00:00.000Z"],
    ["2026-11-23 03:12 UTC", "2026-11-23T03:12:00.000Z"],
    // Unix time.
    ["1795403520", "2026-11-23T03:12:00.000Z"],
    ["1795403520.25", "2026-11-23T03:12:00.250Z"],
    ["1795403520250", "2026-11-23T03:12:00.250Z"],
  ];
  for (const [text, moment] of cases) assert.equal(utc(text, clock(345)), moment, text);
});

Deno.test("a text that is no time means none, and without a clock only a date does", () => {
  for (
    const text of [
      ...[
        "",
        "noon",
        "5",
        "m",
        "5x",
        "25:00",
        "03:60",
        "3",
        "yesterday noon",
        "-",
        "ago",
        "5m m",
        "tomorrow",
        "UTC",
        "03:12 +24:00",
        "03:12 CET",
        "5m UTC",
        "179540352",
        "17954035200",
      ],
      ...[
        "2026-02-30",
        "2026-13-01",
        "2026-1-1",
        "2026-11-23T",
        "2026-11-23T03",
        "2026-11-23T03:12:00+99:00",
      ],
      ...["9".repeat(400) + "w", "2026", "1e3s"],
    ]
  ) assert.equal(utc(text, clock(0)), "none", text);
  for (const text of ["03:12", "5m", "yesterday", "now"]) assert.equal(utc(text, undefined), "none", text);
  assert.equal(utc("2026-11-23 03:12", undefined), "2026-11-23T03:12:00.000Z");
});

Deno.test("where the clocks change, a time that is shown twice is the first, and one that is never shown the one before", () => {
  assert.equal(utc("2026-10-25 02:30", berlin("2026-11-26T12:00:00Z")), "2026-10-25T00:30:00.000Z");
  assert.equal(utc("2026-03-29 02:30", berlin("2026-11-26T12:00:00Z")), "2026-03-29T01:30:00.000Z");
  assert.equal(utc("2026-07-01 12:00", berlin("2026-11-26T12:00:00Z")), "2026-07-01T10:00:00.000Z");
  assert.equal(
    utc("01:30", berlin("2026-10-25T09:00:00Z")),
    "2026-10-24T23:30:00.000Z",
    "on the day of the change",
  );
  assert.equal(utc("24h", berlin("2026-10-25T12:00:00Z")), "2026-10-24T12:00:00.000Z", "a day is 24 hours");
});

Deno.test("property: every moment that is written out is read back, in every zone and form", () => {
  const moments = fc.integer({ min: Date.UTC(1970, 0, 2), max: Date.UTC(2200, 0, 1) });
  const zones = fc.integer({ min: -14 * 60, max: 14 * 60 });
  fc.assert(fc.property(moments, zones, (moment, zone) => {
    const wall = new Date(moment + zone * 60_000).toISOString().replace("Z", "");
    const two = (part: number) => String(Math.floor(part)).padStart(2, "0");
    const name = `${zone < 0 ? "-" : "+"}${two(Math.abs(zone) / 60)}:${two(Math.abs(zone) % 60)}`;
    assert.equal(parseTime(`${wall}${name}`), moment);
    assert.equal(parseTime(`${wall.replace("T", " ")} ${name}`), moment);
    assert.equal(parseTime(wall, { now: 0, minutesEast: () => zone }), moment);
    const day = parseTime(wall.slice(11), { now: moment, minutesEast: () => zone });
    assert.equal(day, moment, "a time of day is the last one that has been");
  }));
});

Deno.test("property: a length of time is the sum of its parts, and no text throws", () => {
  const part = fc.tuple(fc.nat(999), fc.constantFrom("ms", "s", "m", "h", "d"));
  const lengths = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
  fc.assert(fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), (parts) => {
    const text = parts.map(([count, unit]) => `${count}${unit}`).join(" ");
    const sum = parts.reduce((total, [count, unit]) => total + count * lengths[unit as "s"], 0);
    assert.equal(parseLength(text), sum);
    const now = Date.UTC(2026, 0, 1);
    assert.equal(parseTime(`${text} ago`, { now, minutesEast: () => 0 }), now - sum);
  }));
  fc.assert(fc.property(fc.string({ maxLength: 60 }), (text) => {
    const found = parseTime(text, clock(60));
    assert.ok(found === undefined || Number.isFinite(found));
  }));
});

Deno.test("property: a moment is written as Date does", () => {
  const years = { min: Date.parse("0000-01-01T00:00:00Z"), max: Date.UTC(9999, 11, 31, 23, 59, 59, 999) };
  fc.assert(fc.property(fc.integer(years), (moment) => {
    assert.equal(rfc3339(moment), new Date(moment).toISOString());
  }));
  for (const none of [NaN, Infinity, years.max + 1, years.min - 1]) assert.equal(rfc3339(none), "");
});
