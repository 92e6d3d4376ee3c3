// Reading gives the records that were appended.

import assert from "node:assert/strict";
import { segmentName } from "../../src/ledger/format.ts";
import { readLedger } from "../../src/ledger/reader.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import { EVERY_KIND, open, recordsIn, text, twoSegments, using } from "../support/ledger_records.ts";
import { memoryStorage } from "../support/memory_storage.ts";

const FIXTURE = new URL("../../fixtures/ledgers/v1", import.meta.url).pathname;

Deno.test("every kind of record is read back as it was appended, over several segments", () => {
  assert.deepEqual(recordsIn(twoSegments()), EVERY_KIND);
});

Deno.test("the kept ledger of format version 1 reads as before, and its records are written to the same bytes", () => {
  const storage = folderStorage(FIXTURE, false);
  assert.deepEqual([...readLedger(storage)].map(({ record }) => record), EVERY_KIND);
  const again = memoryStorage();
  using(open(again), (writer) => writer.append(EVERY_KIND));
  assert.equal(text(storage.read(segmentName(0))), text(again.read(segmentName(0))));
});

Deno.test("a reader that comes again while the next segment is begun finds no record there, and no damage", () => {
  const folder = Deno.makeTempDirSync();
  const storage = folderStorage(folder, true);
  using(open(storage), (writer) => writer.append(EVERY_KIND));
  const next = EVERY_KIND.length;
  const path = `${folder}/${segmentName(next)}`;
  for (const begun of ["", '{"v":1,']) {
    Deno.writeTextFileSync(path, begun);
    assert.deepEqual([...readLedger(storage, next)], []);
  }
  // Where the records before it are gone, nothing shows that it follows them.
  Deno.removeSync(`${folder}/${segmentName(0)}`);
  assert.throws(() => [...readLedger(storage, next)], /the segment header is not whole/);
  Deno.removeSync(folder, { recursive: true });
});
