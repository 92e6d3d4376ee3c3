// Figures of a report, each computed by hand beside it.

import assert from "node:assert/strict";
import { TRIGGER } from "../../src/kube/objects.ts";
import type { CommitRecord, CommittedChange, EventRecord, LedgerRecord } from "../../src/ledger/record.ts";
import { bucketed, stretchOf } from "../../src/report/buckets.ts";
import { figuresOf } from "../../src/report/figures.ts";
import { clockProblem, percentile, syncsOf, triggerToArrival } from "../../src/report/latency.ts";
import { stopAtTime, stopOfOffset, stopsOf } from "../../src/report/stops.ts";
import { appears, slice } from "../support/cluster_notation.ts";

const CONFIG: LedgerRecord = { kind: "config", time: at(0), version: "0", nodeName: "node-a" };

/** `seconds` after midnight, with milliseconds. */
function at(seconds: number): string {
  return new Date(Date.parse("2026-11-23T00:00:00Z") + Math.round(seconds * 1000)).toISOString();
}

/** An event about a slice of shop/web that arrives at `seconds`, its change triggered at `trigger`. */
function arrived(seconds: number, trigger?: number): EventRecord {
  const event = appears(slice("shop/web-a http:8080/tcp 10.244.0.1"));
  if (trigger === undefined) return { ...event, time: at(seconds) };
  const metadata = { ...event.value!.metadata, annotations: { [TRIGGER]: at(trigger) } };
  return { ...event, value: { ...event.value!, metadata } as EventRecord["value"], time: at(seconds) };
}

/** A commit at `seconds` whose changes were caused by `causes`, all for `comment`. */
function commit(
  seconds: number,
  [from, through]: [number, number],
  causes: readonly number[],
  rest: Partial<CommitRecord> & { readonly comment?: string } = {},
): CommitRecord {
  const { comment = "shop/web:http", ...others } = rest;
  const changes = causes.map((cause): CommittedChange => ({
    verb: "add",
    set: "ip ledgerproxy endpoints",
    key: `10.96.0.1 . tcp . 80 . ${cause}`,
    value: "10.244.0.1 . 8080",
    comment,
    cause,
  }));
  return {
    kind: "commit",
    time: at(seconds),
    from,
    through,
    digest: "",
    outcome: "committed",
    changes,
    changesOmitted: 0,
    operations: causes.length + 1,
    microseconds: 150,
    generation: 1,
    ...others,
  };
}

Deno.test("a percentile is a value that was measured: the smallest that covers its share", () => {
  const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);
  assert.equal(percentile(hundred, 0.5), 50);
  assert.equal(percentile(hundred, 0.99), 99);
  assert.equal(percentile(hundred, 1), 100);
  assert.equal(percentile([7], 0.01), 7);
  assert.equal(percentile([], 0.5), undefined);
});

Deno.test("latency runs from trigger over arrival to commit, for events that changed something", () => {
  const records = [
    CONFIG,
    arrived(1), // @1: was there when we started, and has no trigger
    commit(1.02, [0, 1], [1]), // 20 ms after the arrival
    arrived(5, 4.5), // @3: triggered 500 ms before it arrived
    arrived(5.01, 4.5), // @4: the same trigger again says nothing new
    arrived(5.015), // @5: changes nothing
    commit(5.025, [3, 5], [3, 4]), // 25 ms and 15 ms after the arrivals; 525 ms after the trigger
  ];
  const [first, second] = syncsOf(records, 0);
  assert.deepEqual(first!.fromArrival, [20]);
  assert.deepEqual(first!.fromTrigger, []);
  assert.deepEqual(second!.fromArrival, [25, 15]);
  assert.deepEqual(triggerToArrival(records), [500]);
  assert.deepEqual(second!.fromTrigger, [525]);
  assert.equal(second!.offset, 6);
});

Deno.test("what began before anything here arrived does not count as late", () => {
  const records = [arrived(10, 3), commit(10.1, [0, 0], [0]), arrived(20, 12), commit(20.5, [2, 2], [2])];
  const syncs = syncsOf(records, 0);
  assert.deepEqual(syncs.map(({ fromTrigger }) => fromTrigger), [[], [8500]]);
});

Deno.test("a commit without room for its changes counts all its events; events before the window count for none", () => {
  const records = [arrived(2), arrived(3), commit(4, [98, 101], [101], { changesOmitted: 9000 })];
  assert.deepEqual(syncsOf(records, 100)[0]!.fromArrival, [2000, 1000]);
});

Deno.test("a recording that was played is recognised by events older than the commits before them", () => {
  const live = [arrived(1), commit(1.1, [0, 0], [0]), arrived(1.05), commit(1.2, [2, 2], [2])];
  assert.equal(clockProblem(live), undefined, "a batch that waited is not a recording");
  const played = [arrived(1), commit(500, [0, 0], [0]), arrived(2), commit(500.1, [2, 2], [2])];
  assert.equal(clockProblem(played), "played");
});

Deno.test("churn adds up elements and commits by Service; rejected commits change nothing", () => {
  const records = [
    commit(1, [0, 0], [0, 1, 2], { comment: "shop/web:http" }),
    commit(2, [0, 0], [0], { comment: "shop/web:https", changesOmitted: 7 }),
    commit(3, [0, 0], [0, 1], { comment: "a/b" }),
    commit(4, [0, 0], [0, 1, 2, 3], {
      comment: "a/b",
      outcome: "rejected",
      error: "ENOMEM",
      setAside: "a/b",
    }),
  ];
  const { churn, changesOmitted, rejected } = figuresOf(records, 10);
  assert.deepEqual(churn, [
    { service: "shop/web", changes: 4, commits: 2, last: 11 },
    { service: "a/b", changes: 2, commits: 1, last: 12 },
  ]);
  assert.equal(changesOmitted, 7);
  assert.deepEqual(rejected, [{ offset: 13, time: at(4), error: "ENOMEM", setAside: "a/b" }]);
});

Deno.test("drift is counted by process, with what happened last; gaps are listed", () => {
  const drift = (process: string, pid: number): LedgerRecord => ({
    kind: "drift",
    time: at(1),
    process,
    pid,
    changes: [`change by ${pid}`],
    response: "put back",
  });
  const gap: LedgerRecord = { kind: "gap", time: at(2), reason: "disk full", records: 3 };
  const figures = figuresOf([drift("nft", 1), drift("firewalld", 2), drift("nft", 3), gap], 0);
  assert.deepEqual(figures.drift, [
    { process: "nft", times: 2, last: 2, pid: 3, changes: ["change by 3"], response: "put back" },
    { process: "firewalld", times: 1, last: 1, pid: 2, changes: ["change by 2"], response: "put back" },
  ]);
  assert.deepEqual(figures.gaps, [{ offset: 3, time: at(2), records: 3, reason: "disk full" }]);
});

Deno.test("stretches are round, and few enough", () => {
  assert.equal(stretchOf(60_000, 60), 1000);
  assert.equal(stretchOf(61_000, 60), 2000);
  assert.equal(stretchOf(0, 10), 1);
  assert.equal(stretchOf(1000 * 86_400_000, 100), 10 * 86_400_000);
});

Deno.test("a stretch of time has the median and the 99th percentile of its values; one without values is left out", () => {
  const sample = (time: number, ...values: number[]) => ({ time, values });
  const buckets = bucketed([sample(5000, 9), sample(100, 1, 2, 3), sample(900, 50), sample(2000)], 1000);
  assert.deepEqual(buckets, { seconds: [0.5, 5.5], count: [4, 1], median: [2, 9], high: [50, 9] });
});

Deno.test("a timeline stops at commits, at what went wrong, and at what no commit holds", () => {
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
  assert.equal(stopOfOffset(stops, 1), 1, "the commit that holds it");
  assert.equal(stopOfOffset(stops, 3), 2);
  assert.equal(stopOfOffset(stops, 99), 4);
});

Deno.test("where the clock was set back, time stands still and does not run backwards", () => {
  const records = [commit(10, [0, 0], []), commit(4, [1, 1], []), commit(11, [2, 2], [])];
  const seconds = stopsOf(records, 0).map(({ time }) => (time - Date.parse(at(0))) / 1000);
  assert.deepEqual(seconds, [10, 10, 10, 11]);
});
