// Every operation of every commit names the event that caused it: leave that event out, and the operation is not there.

import assert from "node:assert/strict";
import fc from "fast-check";
import { type ClusterState, emptyState } from "../../src/fold/cluster_state.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { FakeKernel } from "../../src/kernel/fake_kernel.ts";
import { readLedger } from "../../src/ledger/reader.ts";
import type { CommitRecord, CommittedChange, LedgerRecord, Offset } from "../../src/ledger/record.ts";
import type { Element, ElementKey, SetPath } from "../../src/nft/ruleset.ts";
import { sameElement } from "../../src/nft/ruleset.ts";
import { arbitraryHistory } from "../support/arbitrary_history.ts";
import { EngineProcess } from "../support/engine_process.ts";
import { memoryStorage } from "../support/memory_storage.ts";

const CONFIG: LedgerRecord = {
  kind: "config",
  time: "2026-11-23T09:26:10.000Z",
  version: "0",
  nodeName: "node-a",
};

/** The ledger that the engine writes of `events`, committed `batch` at a time. */
function ledgerOf(events: readonly LedgerRecord[], batch: number): LedgerRecord[] {
  const storage = memoryStorage();
  using kernel = new FakeKernel();
  using process = new EngineProcess(kernel, storage, { complete: true });
  for (let at = 0; at < events.length; at += batch) process.commit(events.slice(at, at + batch));
  return [...readLedger(storage)].map(({ record }) => record);
}

/** The element that a change is about, after the records of the ledger `without` one, up to `through`. */
function elementAfter(
  records: readonly LedgerRecord[],
  { set, key }: CommittedChange,
  through: number,
  without = -1,
): Element | undefined {
  const state: ClusterState = emptyState();
  records.slice(0, through + 1).forEach((record, offset) => {
    if (offset !== without && record.kind !== "commit") foldRecord(state, offset as Offset, record);
  });
  return state.desired.get(set as SetPath)?.get(key as ElementKey);
}

/** What an element is when all operations of a commit about it are done. */
function outcomeOf(commit: CommitRecord, { set, key }: CommittedChange): CommittedChange | undefined {
  return commit.changes.findLast((change) =>
    change.set === set && change.key === key && change.verb === "add"
  );
}

Deno.test("leave out the event that an operation names, and the operation is not there", () => {
  let [operations, again] = [0, 0];
  fc.assert(
    fc.property(arbitraryHistory, fc.integer({ min: 1, max: 5 }), (events, batch) => {
      const records = ledgerOf([CONFIG, ...events], batch);
      for (const commit of records) {
        if (commit.kind !== "commit") continue;
        for (const change of commit.changes) {
          const { cause }: CommittedChange = change;
          // Chains are emptied by one commit and deleted by the next.
          if (change.set.endsWith("(chains)")) continue;
          const { through, from }: CommitRecord = commit;
          assert.ok(from <= cause && cause <= through, "the cause is among what the commit brought");
          const after = elementAfter(records, change, through);
          assert.equal(after?.value, outcomeOf(commit, change)?.value, "the commit ends as the fold does");
          const before = elementAfter(records, change, cause - 1);
          assert.ok(!sameElement(before, after), "before the event the element was something else");
          assert.ok(
            sameElement(elementAfter(records, change, cause), after),
            "the event made it what the commit made it",
          );
          operations++;
          // A later event of the same commit may say the same: another slice with the same endpoint.
          if (!sameElement(elementAfter(records, change, through, cause), after)) continue;
          assert.ok(batch > 1 && cause < through, "no other event of the batch could be the cause");
          again++;
        }
      }
    }),
    { numRuns: 200 },
  );
  assert.ok(operations > 500, `${operations} operations were looked at`);
  assert.ok(again < operations / 10, `${again} of ${operations} operations were asked for twice`);
});
