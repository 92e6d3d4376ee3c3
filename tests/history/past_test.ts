// The state at a position, with and without a snapshot before it.

import assert from "node:assert/strict";
import { writeSnapshot } from "../../src/ledger/snapshot_writer.ts";
import { snapshotMisfit } from "../../src/fold/snapshot_shape.ts";
import { emptyState } from "../../src/fold/cluster_state.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { type SnapshotLine, snapshotLines } from "../../src/fold/snapshot.ts";
import { isWrongPosition, type Past, stateAt } from "../../src/history/past.ts";
import { ledgerView } from "../../src/ledger/ledger_view.ts";
import type { Offset } from "../../src/ledger/record.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { lines } from "../support/cluster_notation.ts";
import { memoryStorage } from "../support/memory_storage.ts";
import { committedPast } from "../support/past.ts";

const KEEP = { bytes: Infinity, milliseconds: Infinity };

/** The records of `past` in a ledger that has a snapshot before each record. */
function withSnapshots(past: Past): Past {
  const storage = memoryStorage();
  using writer = new LedgerWriter(storage, { policy: "never" });
  const state = emptyState();
  for (const { offset, record } of past.records()) {
    writer.append([record]);
    foldRecord(state, offset, record);
    writeSnapshot(writer, snapshotLines(state), KEEP);
  }
  return ledgerView<SnapshotLine>(storage, snapshotMisfit);
}

Deno.test("at every offset the state is that of the records up to it, from a snapshot or from the beginning", () => {
  const past = committedPast();
  const state = emptyState();
  const snapshots = withSnapshots(past);
  assert.ok(snapshots.snapshots().length >= 7, "there is a snapshot to begin with");
  for (const { offset, record } of past.records()) {
    foldRecord(state, offset, record);
    for (const one of [past, snapshots]) {
      const { state: found, lookup } = stateAt(one, offset);
      assert.deepEqual(lines(found.desired), lines(state.desired), `@${offset}`);
      assert.equal(found.folded, offset);
      assert.deepEqual(lookup(offset), { offset, record });
    }
  }
  assert.equal(stateAt(past, 6).lookup(7), undefined);
});

Deno.test("without the snapshot before the oldest record there is no state", () => {
  const past: Past = { ...committedPast(), first: () => 5 as Offset };
  assert.throws(() => stateAt(past, 6), (error: Error) => {
    assert.match(error.message, /the snapshot of what was before @5 is gone/);
    return isWrongPosition(error);
  });
});
