// Latencies of a window; the comment beside each record says what is computed from it.

import assert from "node:assert/strict";
import { clockProblem, syncsOf, triggerToArrival } from "../../src/report/latency.ts";
import type { LedgerRecord } from "../../src/ledger/record.ts";
import { arrived, commit, CONFIG } from "../support/report_records.ts";

/** `records` from offset `first` on, of which those at `without` changed nothing. */
const measured = (records: readonly LedgerRecord[], first = 0, without: readonly number[] = []) => ({
  records,
  first,
  hasEffect: (index: number) => records[index]!.kind === "event" && !without.includes(index),
});

Deno.test("latencies are from trigger to arrival to commit, for events that are causes of changes", () => {
  const records = [
    CONFIG,
    arrived(1), // @1: existed at the start, and has no trigger
    commit(1.02, [0, 1], [1]), // 20 ms after the arrival
    arrived(5, 4.5), // @3: triggered 500 ms before it arrived
    arrived(5.01, 4.5), // @4: the same trigger: not a new change
    arrived(5.015), // @5: changes nothing
    commit(5.025, [3, 5], [3, 4]), // 25 ms and 15 ms after the arrivals; 525 ms after the trigger
  ];
  const [first, second] = syncsOf(measured(records, 0, [5]));
  assert.deepEqual(first!.fromArrival, [20]);
  assert.deepEqual(first!.fromTrigger, []);
  assert.deepEqual(second!.fromArrival, [25, 15]);
  assert.deepEqual(triggerToArrival(measured(records, 0, [5])), [500]);
  assert.deepEqual(second!.fromTrigger, [525]);
  assert.equal(second!.offset, 6);
});

Deno.test("triggers from before the first event do not count", () => {
  const records = [arrived(10, 3), commit(10.1, [0, 0], [0]), arrived(20, 12), commit(20.5, [2, 2], [2])];
  const syncs = syncsOf(measured(records));
  assert.deepEqual(syncs.map(({ fromTrigger }) => fromTrigger), [[], [8500]]);
});

Deno.test("a commit that omits changes counts all its events with an effect; events before the window do not count", () => {
  const records = [arrived(2), arrived(3), commit(4, [98, 101], [101], { changesOmitted: 9000 })];
  assert.deepEqual(syncsOf(measured(records, 100))[0]!.fromArrival, [2000, 1000]);
  assert.deepEqual(
    syncsOf(measured(records, 100, [1]))[0]!.fromArrival,
    [2000],
    "what changed nothing is not measured",
  );
});

Deno.test("a change that changed no rule has no latency, and one that a later step made has", () => {
  const records = [
    CONFIG,
    arrived(1),
    arrived(2, 1.5),
    arrived(3, 2.5),
    commit(4, [0, 3], []),
    commit(5, [4, 4], [3]),
  ];
  assert.deepEqual(triggerToArrival(measured(records, 0, [2, 3])), [500]);
  assert.deepEqual(syncsOf(measured(records, 0, [2, 3])).map(({ fromTrigger }) => fromTrigger), [[], [2500]]);
});

Deno.test("a played recording is recognised by events older than the commits before them", () => {
  const live = [arrived(1), commit(1.1, [0, 0], [0]), arrived(1.05), commit(1.2, [2, 2], [2])];
  assert.equal(clockProblem(live), undefined, "a batch that waited is not a recording");
  const played = [arrived(1), commit(500, [0, 0], [0]), arrived(2), commit(500.1, [2, 2], [2])];
  assert.equal(clockProblem(played), "played");
});
