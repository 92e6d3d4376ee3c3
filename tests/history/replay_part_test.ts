// A ledger replayed whole, and in parts that prove together what the whole would.

import assert from "node:assert/strict";
import { writeSnapshot } from "../../src/ledger/snapshot_writer.ts";
import { snapshotMisfit } from "../../src/fold/snapshot_shape.ts";
import { emptyState } from "../../src/fold/cluster_state.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { type SnapshotLine, snapshotLines } from "../../src/fold/snapshot.ts";
import type { Past } from "../../src/history/past.ts";
import {
  joinResults,
  type Part,
  partsOf,
  replayPart,
  type ReplayResult,
} from "../../src/history/replay_part.ts";
import { FakeKernel } from "../../src/kernel/fake_kernel.ts";
import { ledgerView } from "../../src/ledger/ledger_view.ts";
import type { LedgerRecord } from "../../src/ledger/record.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { memoryStorage } from "../support/memory_storage.ts";
import { committedPast, pastOf } from "../support/past.ts";

const PAST = committedPast();
const WHOLE: Part = { from: 0, through: Infinity, bounded: false };

/** The records of {@link PAST}, a segment and a snapshot at every one of `at`; `lie`: as another state would make it. */
function inSegments(at: readonly number[], lie = false): Past {
  const storage = memoryStorage();
  using writer = new LedgerWriter(storage, { policy: "never" });
  const state = emptyState();
  for (const { offset, record } of PAST.records()) {
    if (at.includes(offset)) {
      const lines = lie ? [...snapshotLines(state)].slice(0, -1) : snapshotLines(state);
      writeSnapshot(writer, lines, { bytes: Infinity, milliseconds: Infinity });
    }
    writer.append([record]);
    foldRecord(state, offset, record);
  }
  return ledgerView<SnapshotLine>(storage, snapshotMisfit);
}

function replay(past: Past, part: Part): ReplayResult {
  using kernel = new FakeKernel();
  // A part begins with rules that were there before it: its first commit makes the tables.
  const steps = replayPart(past, part);
  for (let step = steps.next();; step = steps.next()) {
    if (step.done) return step.value;
    if (step.value.transaction !== undefined) kernel.commit(step.value.transaction);
  }
}

Deno.test("every commit comes out as it was, and a kernel takes each of them", () => {
  assert.deepEqual(replay(PAST, WHOLE), {
    records: 7,
    commits: 3,
    otherVersions: 0,
    difference: null,
    problem: null,
  });
  assert.deepEqual(replay(PAST, { ...WHOLE, through: 3 }), {
    records: 4,
    commits: 1,
    otherVersions: 0,
    difference: null,
    problem: null,
  });
});

Deno.test("a commit with another digest ends the replay, with what this program makes of it", () => {
  const forged = [...PAST.records()].map(({ offset, record }): LedgerRecord =>
    offset === 4 && record.kind === "commit" ? { ...record, digest: "0".repeat(64) } : record
  );
  const { records, commits, difference } = replay(pastOf(forged), WHOLE);
  assert.deepEqual([records, commits, difference?.offset, difference?.record.digest], [
    5,
    2,
    4,
    "0".repeat(64),
  ]);
  const written = PAST.lookup()(4)!.record;
  assert.ok(written.kind === "commit");
  assert.equal(difference?.digest, written.digest);
  assert.deepEqual(difference?.changes, written.changes);
});

Deno.test("parts begin behind snapshots, and together they have the result of the whole", () => {
  const past = inSegments([2, 3, 5]);
  const parts = partsOf(past, Infinity, 8);
  assert.deepEqual(parts.map(({ from, through, bounded }) => [from, through, bounded]), [
    [0, 1, true],
    [2, 2, true],
    [3, 4, true],
    [5, Infinity, false],
  ]);
  assert.deepEqual(joinResults(parts.map((part) => replay(past, part))), replay(PAST, WHOLE));
  assert.deepEqual(partsOf(past, Infinity, 1).length, 1);
  assert.deepEqual(partsOf(PAST, Infinity, 8), [WHOLE], "one segment is one part");
});

Deno.test("a snapshot that is not what the records before it make proves nothing, and is named", () => {
  const past = inSegments([2, 3, 5], true);
  const { problem } = replay(past, { from: 0, through: 1, bounded: true });
  assert.match(
    problem!,
    /00000000000000000002\.snapshot\.zst: it is not the state that the records before it make$/,
  );
});

Deno.test("of several parts that differ the first counts", () => {
  const none = { records: 1, commits: 1, otherVersions: 0, difference: null, problem: null };
  const joined = joinResults([none, { ...none, problem: "a" }, { ...none, problem: "b" }]);
  assert.deepEqual(joined, {
    records: 3,
    commits: 3,
    otherVersions: 0,
    difference: null,
    problem: "a",
  });
});
