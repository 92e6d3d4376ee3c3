// A ledger whose records its writer writes elsewhere: what the disk has at the end, whatever the writer does.

import assert from "node:assert/strict";
import { atOnce, type DiskWork } from "../../src/ledger/disk_work.ts";
import { segmentName } from "../../src/ledger/format.ts";
import type { LedgerRecord } from "../../src/ledger/record.ts";
import type { RemoteLedger } from "../../src/ledger/remote_ledger.ts";
import { newestSnapshot } from "../../src/ledger/snapshot.ts";
import { EVERY_KIND, KEEP_ALL, recordsIn } from "../support/ledger_records.ts";
import { memoryStorage, storageError } from "../support/memory_storage.ts";
import { DiskPair, type PairOptions } from "../support/disk_pair.ts";

const [FIRST, SECOND] = EVERY_KIND as readonly LedgerRecord[];

/** A ledger that is open. */
function opened(pair: DiskPair): RemoteLedger {
  const ledger = pair.open();
  assert.ok(typeof ledger !== "string", String(ledger));
  return ledger;
}

function begun(options: PairOptions = {}) {
  const storage = memoryStorage();
  const pair = new DiskPair(storage, options);
  return { storage, pair, ledger: opened(pair) };
}

Deno.test("records are in the file before rules follow them, and durable after a sync", () => {
  const { storage, pair, ledger } = begun();
  assert.equal(ledger.append([FIRST!]), 0);
  assert.deepEqual(recordsIn(storage), []);
  ledger.awaitWritten();
  assert.deepEqual(recordsIn(storage), [FIRST]);
  assert.equal(ledger.durable, 0);
  ledger.sync();
  pair.work();
  assert.deepEqual([ledger.durable, ledger.caughtUp], [1, true]);
});

Deno.test("a writer that is blocked holds up one commit only; afterwards all records are there, in order", () => {
  const { storage, pair, ledger } = begun();
  pair.answers = () => false;
  for (const record of EVERY_KIND) {
    ledger.append([record]);
    ledger.awaitWritten();
  }
  assert.equal(ledger.next, EVERY_KIND.length);
  assert.deepEqual(recordsIn(storage), []);
  pair.work();
  assert.deepEqual(recordsIn(storage), EVERY_KIND);
});

Deno.test("records wait in the writer while the disk fails, and the program knows why", () => {
  const { storage, pair, ledger } = begun();
  storage.fault = () => {
    throw storageError("ENOSPC");
  };
  ledger.append([FIRST!]);
  pair.work();
  pair.receive();
  assert.deepEqual(ledger.failure, { reason: "ENOSPC for a test", records: 1 });
  storage.fault = () => {};
  ledger.sync();
  pair.work();
  pair.receive();
  assert.equal(ledger.failure, undefined);
  assert.deepEqual(recordsIn(storage), [FIRST]);
});

Deno.test("what does not fit in memory is left out and counted, and the ledger can be continued", () => {
  const { storage, pair, ledger } = begun({ waitingMax: 10 });
  pair.answers = () => false;
  for (const record of [FIRST!, SECOND!]) {
    ledger.ready();
    ledger.append([record]);
  }
  ledger.ready();
  assert.equal(ledger.append([SECOND!, FIRST!]), 2);
  assert.equal(ledger.next, 4);
  assert.equal(pair.reopened, 0);
  pair.work();
  assert.equal(ledger.omission?.records, 2);
  assert.equal(pair.reopened, 1);
  const again = opened(pair);
  assert.equal(again.append([FIRST!]), 2);
  pair.work();
  assert.deepEqual(recordsIn(storage), [FIRST, SECOND, FIRST]);
});

Deno.test("a message that is lost ends the session, and nothing is written after the hole", () => {
  const { storage, pair, ledger } = begun();
  ledger.append([FIRST!]);
  pair.work();
  ledger.append([SECOND!]);
  pair.sent.splice(0);
  ledger.append([FIRST!]);
  pair.work();
  pair.receive();
  assert.deepEqual([pair.reopened, ledger.omission?.records], [1, 2]);
  assert.deepEqual(recordsIn(storage), [FIRST]);
});

Deno.test("after the end of the writer another one continues the ledger", () => {
  const { storage, pair, ledger } = begun();
  ledger.append([FIRST!]);
  pair.work();
  ledger.append([SECOND!]);
  pair.die();
  assert.deepEqual([pair.reopened, ledger.omission?.records], [1, 1]);
  // The lock ends with the writer; the storage of this test cannot know that.
  const next = new DiskPair(memoryStorage(storage.files));
  opened(next).append([SECOND!]);
  next.work();
  assert.deepEqual(recordsIn(next.storage), [FIRST, SECOND]);
});

Deno.test("a folder that another program replaced ends the session", () => {
  const { storage, pair, ledger } = begun();
  ledger.append([FIRST!]);
  storage.gone = true;
  ledger.sync();
  pair.work();
  pair.receive();
  assert.match(ledger.omission!.reason, /removed or replaced/);
});

Deno.test("a snapshot in pieces is that of the records before it", () => {
  const { storage, pair, ledger } = begun();
  ledger.append([FIRST!]);
  for (const piece of ledger.beginSnapshot([FIRST])) ledger.sendPiece(piece);
  ledger.append([SECOND!]);
  ledger.endSnapshot(KEEP_ALL);
  pair.work();
  const snapshot = newestSnapshot(storage)!;
  assert.deepEqual([snapshot.next, snapshot.lines], [1, [FIRST]]);
  assert.deepEqual(recordsIn(storage), [FIRST, SECOND]);
});

Deno.test("a snapshot that is finished late has its own state, also when the next one has begun", () => {
  const works: DiskWork<void>[] = [];
  const { storage, pair, ledger } = begun({ beside: (work) => works.push(work) });
  const send = (lines: readonly LedgerRecord[]) => {
    for (const piece of ledger.beginSnapshot(lines)) ledger.sendPiece(piece);
  };
  ledger.append([FIRST!]);
  send([FIRST!]);
  ledger.endSnapshot(KEEP_ALL);
  ledger.append([SECOND!]);
  send([FIRST!, SECOND!]);
  pair.work();
  for (const work of works.splice(0)) atOnce(work);
  const snapshot = newestSnapshot<LedgerRecord>(storage);
  assert.deepEqual([snapshot?.next, snapshot?.lines], [1, [FIRST]]);
  ledger.endSnapshot(KEEP_ALL);
  pair.work();
  for (const work of works.splice(0)) atOnce(work);
  assert.deepEqual(newestSnapshot<LedgerRecord>(storage)?.lines, [FIRST, SECOND]);
});

Deno.test("while lines cannot be written, a segment that can be begun is no sign that the disk works", () => {
  const { storage, pair, ledger } = begun();
  ledger.append([FIRST!]);
  pair.work();
  storage.fault = (call) => {
    if (call === "write") throw storageError("ENOSPC");
  };
  for (const record of [SECOND!, FIRST!]) {
    ledger.append([record]);
    pair.work();
    assert.deepEqual(pair.received.map((report) => report.kind === "disk" && report.reason), [
      "ENOSPC for a test",
    ]);
  }
  storage.fault = () => {};
  ledger.sync();
  pair.work();
  assert.equal(pair.received.length, 2);
  pair.receive();
  assert.equal(ledger.failure, undefined);
});

Deno.test("a ledger that ends at a snapshot leaves no segment without records, also where it was begun again", () => {
  const { storage, pair, ledger } = begun();
  ledger.append([FIRST!]);
  ledger.awaitWritten();
  const segments = () => storage.names().filter((name) => name.includes(".ndjson"));
  for (const piece of ledger.beginSnapshot([FIRST!])) ledger.sendPiece(piece);
  ledger.endSnapshot(KEEP_ALL);
  pair.work();
  assert.equal(segments().length, 2, "the next segment is begun");
  pair.post({ kind: "close" });
  pair.work();
  assert.deepEqual(segments(), [`${segmentName(0)}.zst`]);
  const again = opened(pair);
  assert.equal(again.next, 1);
  again.append([SECOND!]);
  pair.work();
  pair.post({ kind: "close" });
  pair.work();
  assert.deepEqual(recordsIn(storage), [FIRST, SECOND]);
});
