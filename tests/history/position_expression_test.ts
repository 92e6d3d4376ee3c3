// Positions as users write them, resolved in a ledger.

import assert from "node:assert/strict";
import fc from "fast-check";
import { snapshotMisfit } from "../../src/fold/snapshot_shape.ts";
import type { Past } from "../../src/history/past.ts";
import {
  commitAtTime,
  parsePosition,
  type PositionExpression,
  resolvePosition,
} from "../../src/history/position_expression.ts";
import { isWrongPosition } from "../../src/history/past.ts";
import { ledgerView } from "../../src/ledger/ledger_view.ts";
import type { CommitRecord, LedgerRecord } from "../../src/ledger/record.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { memoryStorage } from "../support/memory_storage.ts";

const at = (second: number) => `2026-11-23T03:12:0${second}.000Z`;
const commit = (through: number, outcome: CommitRecord["outcome"], time: string): CommitRecord => ({
  kind: "commit",
  time,
  from: 0,
  through,
  digest: "ab".repeat(32),
  outcome,
  changes: [],
  changesOmitted: 0,
  operations: 0,
  microseconds: 0,
  generation: 0,
});
const config = (time: string): LedgerRecord => ({ kind: "config", time, version: "0", nodeName: "" });
const RECORDS = [
  config(at(1)),
  commit(0, "committed", at(2)),
  config(at(3)),
  commit(2, "rejected", at(4)),
  commit(2, "committed", at(5)),
  config(at(6)),
];

/** The records in one segment, and in a segment each. */
const LEDGERS = [Infinity, 1].map((segmentBytes) => pastOf(RECORDS, segmentBytes));

function pastOf(records: readonly LedgerRecord[], segmentBytes: number): Past {
  const storage = memoryStorage();
  using writer = new LedgerWriter(storage, { policy: "never", segmentBytes });
  for (const record of records) writer.append([record]);
  return ledgerView(storage, snapshotMisfit);
}

function position(text: string): PositionExpression {
  const parsed = parsePosition(text);
  assert.ok(typeof parsed !== "string", String(parsed));
  return parsed;
}

Deno.test("offsets, times, HEAD and commits before it are resolved", () => {
  const cases: [string, number][] = [
    ["@0", 0],
    ["@5", 5],
    ["HEAD", 5],
    ["HEAD~0", 5],
    ["HEAD~1", 0],
    [at(2), 0],
    ["2026-11-23T03:12:04.5Z", 0],
    [at(5), 2],
    ["2027-01-01", 2],
  ];
  for (const [text, offset] of cases) {
    for (const ledger of LEDGERS) {
      assert.equal(resolvePosition(position(text), ledger), offset, text);
    }
  }
});

Deno.test("a position outside the ledger is an error that says where the ledger ends", () => {
  const cases: [string, RegExp][] = [
    ["@6", /@6: the ledger ends at @5/],
    ["HEAD~2", /HEAD~2: the ledger has 2 commits/],
    [at(1), /nothing was committed by the time asked for: the first commit .* is @1, at 2026-11-23T03:12:02/],
    ["2026-11-23T03:12:00Z", /nothing was committed by the time asked for/],
  ];
  for (const [text, message] of cases) {
    for (const ledger of LEDGERS) {
      assert.throws(() => resolvePosition(position(text), ledger), (error: Error) => {
        assert.match(error.message, message);
        return isWrongPosition(error);
      });
    }
  }
  assert.match(String(parsePosition("5")), /^5: an offset is written @5; a position is/);
  assert.match(
    String(parsePosition("0312")),
    /^0312: an offset is written @0312, a time 03:12; a position is/,
  );
  for (const text of ["5", "@", "@-1", "HEAD~", "head", "yesterday", "2026"]) {
    assert.match(String(parsePosition(text)), /a position is an offset/, text);
  }
});

Deno.test("a time means what was committed by then, also where a recording was played", () => {
  // Events of 03:12 were played at 08:00: until then no packet met their rules.
  const played = (hour: string) => `2026-11-24T${hour}:00.000Z`;
  const records = [
    config(at(1)),
    config(at(2)),
    commit(1, "committed", played("08:00")),
    config(at(4)),
    commit(
      3,
      "committed",
      played("08:01"),
    ),
  ];
  for (const segmentBytes of [Infinity, 1]) {
    const past = pastOf(records, segmentBytes);
    const offset = (text: string) => resolvePosition(position(text), past);
    assert.equal(offset(played("08:00")), 1);
    assert.equal(offset("2026-11-24T08:00:59Z"), 1);
    assert.equal(offset(played("08:01")), 3);
    assert.throws(
      () => offset(at(9)),
      /nothing was committed by the time asked for.* @2, at 2026-11-24T08:00/,
    );
    assert.equal(commitAtTime(past, Date.parse(played("08:30")))?.offset, 4);
  }
});

Deno.test("a ledger without commits, as `record` writes it, is asked for what was written by then", () => {
  for (const segmentBytes of [Infinity, 1]) {
    const past = pastOf([config(at(1)), config(at(3)), config(at(5))], segmentBytes);
    assert.equal(resolvePosition(position(at(4)), past), 1);
    assert.throws(() => resolvePosition(position(at(0)), past), /begins at 2026-11-23T03:12:01\.000Z, later/);
  }
});

Deno.test("with a clock a position may be a time as people say it", () => {
  const clock = { now: Date.parse("2026-11-23T03:12:05.500Z"), minutesEast: () => 60 };
  const said = (text: string) => {
    const parsed = parsePosition(text, clock);
    assert.ok(typeof parsed !== "string", String(parsed));
    return resolvePosition(parsed, LEDGERS[0]!);
  };
  assert.deepEqual(["04:12:02", "3s", "-3s", "now", "today 04:12:05"].map(said), [0, 0, 0, 2, 2]);
  assert.match(String(parsePosition("noon", clock)), /a position is an offset/);
});

Deno.test("property: at every moment the position is that of the last commit before it", () => {
  const steps = fc.array(fc.tuple(fc.constantFrom("config", "committed", "rejected"), fc.nat(3)), {
    minLength: 1,
    maxLength: 30,
  });
  fc.assert(fc.property(steps, fc.constantFrom(1, 300, Infinity), (steps, segmentBytes) => {
    let second = Date.parse(at(1));
    const times: number[] = [];
    const records = [["config", 0] as const, ...steps].map(([kind, pause], i) => {
      times.push(second += pause * 1000);
      const time = new Date(second).toISOString();
      return kind === "config" ? config(time) : commit(i - 1, kind as CommitRecord["outcome"], time);
    });
    const past = pastOf(records, segmentBytes);
    const committed = records.flatMap((record, i) =>
      record.kind === "commit" && record.outcome === "committed" ? i : []
    );
    for (const moment of times) {
      const last = committed.findLast((i) => times[i]! <= moment);
      assert.equal(commitAtTime(past, moment)?.offset, last);
    }
  }));
});

Deno.test("a clock that was ahead for a while, and was set back, does not hide what was committed since", () => {
  const records = [1, 2, 8, 3, 4].flatMap((second, i) => [
    config(at(second)),
    commit(2 * i, "committed", at(second)),
  ]);
  for (const ledger of [Infinity, 1].map((segmentBytes) => pastOf(records, segmentBytes))) {
    const offsets = [1, 2, 3, 4, 5, 9].map((second) => resolvePosition(position(at(second)), ledger));
    assert.deepEqual(offsets, [0, 2, 6, 8, 8, 8]);
  }
});
