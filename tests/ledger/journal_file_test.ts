// The journal of a segment, in a file beside it.

import assert from "node:assert/strict";
import { atOnce } from "../../src/ledger/disk_work.ts";
import { asFolder, type Storage } from "../../src/ledger/storage.ts";
import { journalName, readJournal, writeJournal } from "../../src/ledger/journal_file.ts";
import { readLedger, verifyLedger } from "../../src/ledger/reader.ts";
import { retain } from "../../src/ledger/retention.ts";
import { writeSnapshot } from "../../src/ledger/snapshot_writer.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { memoryStorage } from "../support/memory_storage.ts";

const record = { kind: "config", time: "2026-11-23T03:12:00.000Z", version: "1", nodeName: "" } as const;
const KEEP = { bytes: Infinity, milliseconds: Infinity };

/** A ledger of three segments with a record each, and snapshots between them. */
function threeSegments(): Storage {
  const storage = memoryStorage();
  using writer = new LedgerWriter(storage, { policy: "never" });
  for (let i = 0; i < 3; i++) {
    if (i > 0) writeSnapshot(writer, [], KEEP);
    writer.append([record]);
  }
  return storage;
}

Deno.test("what was written is read, a broken file is as none, and the ledger is whole beside it", () => {
  const storage = threeSegments();
  assert.equal(readJournal(storage, 1, 2), undefined);
  writeJournal(storage, 1, 2, "one");
  writeJournal(storage, 1, 2, "two\nlines");
  assert.equal(readJournal(storage, 1, 2), "two\nlines");
  assert.deepEqual(verifyLedger(storage), []);
  assert.equal([...readLedger(storage)].length, 3);
  storage.remove(journalName(1));
  storage.write(journalName(1), new Uint8Array([1, 2, 3]));
  assert.equal(readJournal(storage, 1, 2), undefined);
});

Deno.test("a journal in which any bit is flipped is none", () => {
  const storage = threeSegments();
  writeJournal(storage, 1, 2, '{"offset":1,"service":"shop/web"}\n'.repeat(3));
  const whole = storage.read(journalName(1));
  for (let bit = 0; bit < whole.length * 8; bit++) {
    const flipped = whole.slice();
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    storage.remove(journalName(1));
    storage.write(journalName(1), flipped);
    const read = readJournal(storage, 1, 2);
    assert.ok(read === undefined || read === '{"offset":1,"service":"shop/web"}\n'.repeat(3), `bit ${bit}`);
  }
});

Deno.test("the journal of another ledger, or of other records, is none", () => {
  const [storage, other] = [threeSegments(), threeSegments()];
  writeJournal(other, 1, 2, "text");
  storage.write(journalName(1), other.read(journalName(1)));
  assert.equal(readJournal(storage, 1, 2), undefined);
  writeJournal(storage, 1, 2, "text");
  assert.equal(readJournal(storage, 1, 2), "text");
});

Deno.test("it goes with its segment", () => {
  const storage = threeSegments();
  for (const first of [0, 1]) writeJournal(storage, first, first + 1, "text");
  const removed = atOnce(retain(asFolder(storage), { bytes: 0, milliseconds: Infinity }, {
    milliseconds: 0,
  }));
  assert.ok(removed.includes(journalName(0)), removed.join(" "));
  assert.equal(readJournal(storage, 0, 1), undefined);
  assert.equal(readJournal(storage, 1, 2), "text");
});

Deno.test("a folder that cannot be written is no error: the journal is made again next time", () => {
  const refused = Object.assign(new Error("read-only"), { code: "EROFS" });
  const storage: Storage = {
    ...threeSegments(),
    write() {
      throw refused;
    },
  };
  writeJournal(storage, 1, 2, "text");
  assert.equal(readJournal(storage, 1, 2), undefined);
});
