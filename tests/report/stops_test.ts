// The moments of a window that the page can show.

import assert from "node:assert/strict";
import type { LedgerRecord } from "../../src/ledger/record.ts";
import { stopAtTime, stopOfOffset, stopsOf } from "../../src/report/stops.ts";
import { arrived, at, commit } from "../support/report_records.ts";

Deno.test("stops are commits, gaps, rejected commits, and events that no commit folded", () => {
  const gap: LedgerRecord = { kind: "gap", time: at(3), reason: "", records: 1 };
  const rejected = commit(4, [4, 4], [], { outcome: "rejected" });
  const records = [arrived(1), arrived(1), commit(2, [0, 1], [0]), gap, arrived(3.5), rejected, arrived(5)];
  const stops = stopsOf(records, 0);
  assert.deepEqual(stops.map(({ kind, from, through }) => `${kind} ${from}-${through}`), [
    "beginning 0--1",
    "commit 0-1",
    "gap 2-1",
    "rejected 4-4",
    "uncommitted 6-6",
  ]);
  assert.equal(stopAtTime(stops, Date.parse(at(2.5))), 1);
  assert.equal(stopAtTime(stops, Date.parse(at(0))), 0);
  assert.equal(stopAtTime(stops, Date.parse(at(99))), 4);
  assert.equal(stopOfOffset(stops, 1), 1, "the commit that folded it");
  assert.equal(stopOfOffset(stops, 3), 2);
  assert.equal(stopOfOffset(stops, 99), 4);
});

Deno.test("where the clock was set back, the times of stops do not decrease", () => {
  const records = [commit(10, [0, 0], []), commit(4, [1, 1], []), commit(11, [2, 2], [])];
  const seconds = stopsOf(records, 0).map(({ time }) => (time - Date.parse(at(0))) / 1000);
  assert.deepEqual(seconds, [10, 10, 10, 11]);
});
