// Positions as people write them, looked up in a ledger.

import assert from "node:assert/strict";
import { snapshotMisfit } from "../../src/fold/snapshot_shape.ts";
import type { Past } from "../../src/history/past.ts";
import {
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
const LEDGERS = [Infinity, 1].map((segmentBytes): Past => {
  const storage = memoryStorage();
  using writer = new LedgerWriter(storage, { policy: "never", segmentBytes });
  for (const record of RECORDS) writer.append([record]);
  return ledgerView(storage, snapshotMisfit);
});

function position(text: string): PositionExpression {
  const parsed = parsePosition(text);
  assert.ok(typeof parsed !== "string", String(parsed));
  return parsed;
}

Deno.test("offsets, times, HEAD and commits before it", () => {
  const cases: [string, number][] = [
    ["@0", 0],
    ["@5", 5],
    ["HEAD", 5],
    ["HEAD~0", 5],
    ["HEAD~1", 0],
    [at(1), 0],
    ["2026-11-23T03:12:04.5Z", 3],
    ["2027-01-01", 5],
  ];
  for (const [text, offset] of cases) {
    for (const ledger of LEDGERS) {
      assert.equal(resolvePosition(position(text), ledger), offset, text);
    }
  }
});

Deno.test("what the ledger does not reach is said with where it ends", () => {
  const cases: [string, RegExp][] = [
    ["@6", /@6: the ledger ends at @5/],
    ["HEAD~2", /HEAD~2: the ledger has 2 commits/],
    ["2026-11-23T03:12:00Z", /begins at 2026-11-23T03:12:01\.000Z, later/],
  ];
  for (const [text, message] of cases) {
    for (const ledger of LEDGERS) {
      assert.throws(() => resolvePosition(position(text), ledger), (error: Error) => {
        assert.match(error.message, message);
        return isWrongPosition(error);
      });
    }
  }
  for (const text of ["5", "@", "@-1", "HEAD~", "head", "yesterday", "2026"]) {
    assert.match(String(parsePosition(text)), /a position is an offset/, text);
  }
});
