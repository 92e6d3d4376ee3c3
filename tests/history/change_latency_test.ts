// How long changes took, by times that the test chooses.

import assert from "node:assert/strict";
import { latencyIn } from "../../src/history/change_latency.ts";
import { TRIGGER } from "../../src/kube/objects.ts";
import type { CommitRecord, LedgerRecord } from "../../src/ledger/record.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";
import { pastOf, timeAt } from "../support/past.ts";

const commit = (from: number, through: number, second: number): CommitRecord => ({
  ...{ kind: "commit", time: timeAt(second), from, through, digest: "00".repeat(32), outcome: "committed" },
  ...{ changes: [], changesOmitted: 0, operations: 1, microseconds: 9, generation: 1 },
});
const change = (address: string, trigger: number, arrival: number, name = "web"): LedgerRecord => {
  const plain = slice(`shop/${name}-a http:8080/tcp ${address}`);
  const metadata = { ...plain.metadata, annotations: { [TRIGGER]: timeAt(trigger) } };
  return { ...appears({ ...plain, metadata }), time: timeAt(arrival) };
};
const RECORDS: readonly LedgerRecord[] = [
  { ...appears(service("shop/web 10.96.0.1 http:80/tcp")), time: timeAt(10) },
  { ...appears(service("shop/cart 10.96.0.2 http:80/tcp")), time: timeAt(10) },
  // Began before the program ran: its trigger is not counted.
  change("10.0.0.1", 2, 11),
  commit(0, 2, 12),
  change("10.0.0.2", 13, 14),
  change("10.0.0.3", 14, 15, "cart"),
  commit(4, 5, 20),
  // Changes no rule.
  change("10.0.0.2", 21, 22),
  commit(7, 7, 30),
];

/** `stage count p50 p99 worst@offset` of each stage, in seconds. */
function stages(records: readonly LedgerRecord[], service?: string): string[] {
  const { stages } = latencyIn(pastOf(records), { from: 0, through: records.length - 1 }, service);
  const seconds = (milliseconds: number | null) => milliseconds === null ? "-" : milliseconds / 1000;
  return stages.map(({ stage, count, p50, p99, worst }) =>
    `${stage}: ${count} ${seconds(p50)} ${seconds(p99)} ${
      worst === null ? "-" : `${worst.milliseconds / 1000}@${worst.offset}`
    }`
  );
}

Deno.test("each stage has its median, its 99th percentile and its worst with the event", () => {
  assert.deepEqual(stages(RECORDS), [
    "trigger to arrival: 2 1 1 1@4",
    "arrival to commit: 5 2 6 6@4",
    "trigger to commit: 2 6 7 7@4",
  ]);
  assert.deepEqual(stages(RECORDS, "shop/cart"), [
    "trigger to arrival: 1 1 1 1@5",
    "arrival to commit: 2 2 5 5@5",
    "trigger to commit: 1 6 6 6@5",
  ]);
  assert.deepEqual(stages(RECORDS, "shop/none").map((line) => line.split(": ")[1]), [
    "0 - - -",
    "0 - - -",
    "0 - - -",
  ]);
});

Deno.test("where a recording was played, arrivals and commits are not compared", () => {
  const played = RECORDS.map((record) =>
    record.kind === "commit" ? { ...record, time: timeAt(9000) } : record
  );
  assert.deepEqual(stages(played), [
    "trigger to arrival: 2 1 1 1@4",
    "arrival to commit: 0 - - -",
    "trigger to commit: 0 - - -",
  ]);
  assert.equal(latencyIn(pastOf(played), { from: 0, through: 8 }).clock, "played");
});
