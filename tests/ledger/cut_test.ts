// Tails that were cut off: what is left is whole in itself, and a snapshot shows that there was more.

import assert from "node:assert/strict";
import { writeSnapshot } from "../../src/ledger/snapshot_writer.ts";
import { cutTail, straySnapshots } from "../../src/ledger/cut.ts";
import { segmentNames } from "../../src/ledger/format.ts";
import { EVERY_KIND, KEEP_ALL, open, using } from "../support/ledger_records.ts";
import { type MemoryStorage, memoryStorage } from "../support/memory_storage.ts";

/** A ledger of seven records that was ended, with a snapshot at its end and one after three. */
function ended(): MemoryStorage {
  const storage = memoryStorage();
  using(open(storage), (writer) => {
    writer.append(EVERY_KIND.slice(0, 3));
    writeSnapshot(writer, [], KEEP_ALL);
    writer.append(EVERY_KIND.slice(3));
    writeSnapshot(writer, [], KEEP_ALL);
  });
  return storage;
}

/** Cuts the last segment to `records` records. It is written again, so that it is whole. */
function cutTo(storage: MemoryStorage, records: number): void {
  const name = segmentNames(storage).at(-1)!;
  storage.remove(name);
  const copy = memoryStorage(storage.files);
  for (const file of copy.names()) if (file > name) copy.remove(file);
  using(open(copy), (writer) => writer.append(EVERY_KIND.slice(3, 3 + records)));
  for (const file of copy.names()) {
    if (!storage.files.has(file)) storage.files.set(file, copy.files.get(file)!);
  }
}

Deno.test("the end of a ledger that a snapshot follows is whole, and so is one that goes on after a snapshot", () => {
  const storage = ended();
  assert.equal(cutTail(storage), undefined);
  using(open(storage), (writer) => writer.append(EVERY_KIND.slice(0, 1)));
  assert.equal(cutTail(storage), undefined);
});

Deno.test("a tail that was cut between two records is found, with the file that shows it", () => {
  for (const records of [1, 2, 3]) {
    const storage = ended();
    cutTo(storage, records);
    const { from, through, file, text } = cutTail(storage)!;
    assert.deepEqual([from, through, file], [3 + records, 6, "00000000000000000007.snapshot.zst"]);
    assert.match(
      text,
      new RegExp(`^@${from} to @6 are missing: 0+7\\.snapshot\\.zst shows that they were written$`),
    );
  }
});

Deno.test("a snapshot in the middle of the last segment is of another past", () => {
  const storage = ended();
  assert.deepEqual(straySnapshots(storage), []);
  storage.files.set("00000000000000000005.snapshot.zst", new Uint8Array([1]));
  assert.deepEqual(straySnapshots(storage), ["00000000000000000005.snapshot.zst"]);
});
