// The trail for an auditor: rows of every kind of record, with what shows them.

import assert from "node:assert/strict";
import type { SnapshotLine } from "../../src/fold/snapshot.ts";
import { snapshotMisfit } from "../../src/fold/snapshot_shape.ts";
import { auditTrail } from "../../src/history/audit.ts";
import { isLedgerDamage } from "../../src/ledger/damage.ts";
import { ledgerView } from "../../src/ledger/ledger_view.ts";
import type { LedgerRecord } from "../../src/ledger/record.ts";
import { appears, service, vanishes } from "../support/cluster_notation.ts";
import { flipped, stoppedLedger } from "../support/damaged_files.ts";
import { memoryStorage } from "../support/memory_storage.ts";
import { pastOf, timeAt } from "../support/past.ts";
import { ALL, webPast } from "../support/web_history.ts";

const WEB = service("shop/web 10.96.0.1 http:80/tcp");
const BY_HAND = {
  ...WEB,
  metadata: { ...WEB.metadata, uid: "u-1", managedFields: [{ manager: "kubectl-edit" }] },
};
const RECORDS: readonly LedgerRecord[] = [
  { kind: "config", time: timeAt(0), version: "0.7.0", nodeName: "node-a" },
  appears(WEB),
  { ...appears(BY_HAND), resourceVersion: "353" },
  vanishes(WEB),
  {
    kind: "gap",
    time: timeAt(4),
    reason: "checkpoint 0 of the records before @4",
    records: 0,
    checkpoint: "x",
  },
  {
    kind: "drift",
    time: timeAt(5),
    process: "nft",
    pid: 4711,
    changes: ["delete table"],
    response: "put back",
  },
  { kind: "gap", time: timeAt(6), reason: "@2 to @3 are missing", records: 2 },
];

Deno.test("each kind of record is a row: who did what to which object", () => {
  const rows = [...auditTrail(pastOf(RECORDS), { from: 0, through: 6 })];
  assert.deepEqual(rows.map(({ offset, source, who, what, object }) => [offset, source, who, what, object]), [
    [0, "proxy", "ledgerproxy 0.7.0", "configured", "Node node-a"],
    [1, "API server", "", "created", "Service shop/web"],
    [2, "API server", "kubectl-edit", "changed", "Service shop/web"],
    [3, "API server", "", "deleted", "Service shop/web"],
    [4, "proxy", "ledgerproxy", "signed", "ledger"],
    [5, "other program", "nft (process 4711)", "altered", "rules"],
    [6, "proxy", "ledgerproxy", "lost", "ledger"],
  ]);
  assert.deepEqual(rows.map(({ evidence: { checkpoint } }) => checkpoint), [4, 4, 4, 4, null, null, null]);
  const { chain, ...evidence } = rows[2]!.evidence;
  assert.deepEqual(evidence, { resourceVersion: "353", uid: "u-1", commit: null, checkpoint: 4 });
  assert.match(chain, /^[0-9a-f]{64}$/);
});

Deno.test("an event names the commit that brought it into the kernel, and a range gives the same rows", () => {
  const past = webPast();
  const all = [...auditTrail(past, ALL)];
  for (const { offset, what, evidence: { commit } } of all) {
    const record = past.lookup()(commit ?? -1)?.record;
    if (what === "committed") assert.equal(commit, null);
    else {assert.ok(
        record?.kind === "commit" && record.from <= offset && offset <= record.through,
        `@${offset}`,
      );}
  }
  assert.deepEqual([...auditTrail(past, { from: 5, through: 9 })], all.slice(5, 10));
});

Deno.test("behind a snapshot a range gives the same rows as the whole ledger", () => {
  const past = ledgerView<SnapshotLine>(stoppedLedger(), snapshotMisfit);
  const last = [...past.records()].at(-1)!.offset;
  const all = [...auditTrail(past, { from: 0, through: last })];
  assert.deepEqual([...auditTrail(past, { from: 7, through: last })], all.slice(7));
});

Deno.test("rows end before a record that was altered, with the place of the damage", () => {
  const whole = stoppedLedger();
  const storage = memoryStorage(whole.files);
  const name = "00000000000000000005.ndjson";
  storage.files.set(name, flipped(whole.files.get(name)!, 8 * 1200));
  const past = ledgerView<SnapshotLine>(storage, snapshotMisfit);
  const rows: number[] = [];
  assert.throws(() => {
    for (const { offset } of auditTrail(past, { from: 0, through: 12 })) rows.push(offset);
  }, isLedgerDamage);
  assert.deepEqual(rows, [0, 1, 2, 3, 4, 5], "the damage is at @6");
});
