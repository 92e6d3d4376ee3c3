// A ledger as questions read it.

import assert from "node:assert/strict";
import { snapshotMisfit } from "../../src/fold/snapshot_shape.ts";
import { type LedgerView, ledgerView } from "../../src/ledger/ledger_view.ts";
import type { LedgerRecord } from "../../src/ledger/record.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { appears, service } from "../support/cluster_notation.ts";
import { type MemoryStorage, memoryStorage } from "../support/memory_storage.ts";
import { timeAt } from "../support/past.ts";

const RECORDS: readonly LedgerRecord[] = ["a", "b", "c", "d"].map((name, i) => ({
  ...appears(service(`shop/${name} 10.96.0.${i + 1} http:80/tcp`)),
  time: timeAt(i),
}));

/** Each record in a segment of its own. */
function ledger(): MemoryStorage {
  const storage = memoryStorage();
  using writer = new LedgerWriter(storage, { policy: "never", segmentBytes: 1 });
  for (const record of RECORDS) writer.append([record]);
  return storage;
}

const offsets = (records: ReturnType<LedgerView<unknown>["records"]>) =>
  [...records].map(({ offset }) => offset);

Deno.test("records forward and backward, one by its offset, and where segments begin", () => {
  const view = ledgerView(ledger(), snapshotMisfit);
  assert.deepEqual(offsets(view.records()), [0, 1, 2, 3]);
  assert.deepEqual(offsets(view.records(2)), [2, 3]);
  assert.deepEqual(offsets(view.newestFirst()), [3, 2, 1, 0]);
  assert.deepEqual(view.segments(), [0, 1, 2, 3]);
  assert.equal(view.first(), 0);
  assert.deepEqual(view.lookup()(2), { offset: 2, record: RECORDS[2] });
  assert.equal(view.lookup()(4), undefined);
  assert.match(view.id(), /^[0-9a-f]{16}$/);
});

Deno.test("closed segments that cannot hold what is searched for are not read, and progress counts segments", () => {
  const storage = ledger();
  const counts: number[] = [];
  const view = ledgerView(storage, snapshotMisfit, () => (count) => counts.push(count));
  // The newest segment is still written to and is always read.
  assert.deepEqual(offsets(view.newestFirst({ service: "shop/b" })), [3, 1]);
  assert.deepEqual(counts, [1, 2, 3]);
  assert.deepEqual(offsets(view.newestFirst({ until: Date.parse(timeAt(0)) })), [3, 0]);
  assert.deepEqual(offsets(view.newestFirst({ address: "10.96.0.3", namespace: "shop" })), [3, 2]);
});

Deno.test("without a search no index is made", () => {
  const storage = ledger();
  assert.deepEqual(offsets(ledgerView(storage, snapshotMisfit).newestFirst({})), [3, 2, 1, 0]);
  assert.deepEqual(storage.names().filter((name) => name.includes("terms")), []);
});

Deno.test("a proof ends whole, torn or damaged, and that is a value", () => {
  const end = (change: (text: string) => string) => {
    const storage = ledger();
    const name = storage.names().filter((name) => name.endsWith(".ndjson")).at(-1)!;
    const text = new TextDecoder().decode(storage.files.get(name));
    storage.files.set(name, new TextEncoder().encode(change(text)));
    const proof = ledgerView(storage, snapshotMisfit).prove();
    let step = proof.next();
    for (; !step.done; step = proof.next()) assert.match(step.value.chain, /^[0-9a-f]{64}$/);
    return step.value;
  };
  assert.equal(end((text) => text).kind, "whole");
  assert.equal(end((text) => text.slice(0, -3)).kind, "torn");
  const damaged = end((text) => text.replace("shop", "shoq") + text);
  assert.ok(damaged.kind === "damaged" && damaged.damage.line === 2);
});
