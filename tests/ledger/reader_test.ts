// What was appended is read back.

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

Deno.test("the frozen ledger of format version 1 reads as ever and is written to the same bytes", () => {
  const storage = folderStorage(FIXTURE, false);
  assert.deepEqual([...readLedger(storage)].map(({ record }) => record), EVERY_KIND);
  const again = memoryStorage();
  using(open(again), (writer) => writer.append(EVERY_KIND));
  assert.equal(text(storage.read(segmentName(0))), text(again.read(segmentName(0))));
});
