// The terms of segments. A search never skips a segment that has a match, and terms that cannot be read are made again.

import assert from "node:assert/strict";
import { matcher } from "../../src/history/log.ts";
import { readLedger, readSegmentRecords } from "../../src/ledger/reader.ts";
import type { LedgerRecord } from "../../src/ledger/record.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import { segmentTerms, termsName } from "../../src/ledger/terms.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { type MemoryStorage, memoryStorage } from "../support/memory_storage.ts";
import { writeEvening } from "../support/report_ledger.ts";

/** The recorded evening with its commits, in segments of a few records each. */
function evening(): MemoryStorage {
  const folder = Deno.makeTempDirSync();
  writeEvening(folder);
  const storage = memoryStorage();
  using writer = new LedgerWriter(storage, { policy: "never", segmentBytes: 20_000 });
  for (const { record } of readLedger(folderStorage(folder, false))) writer.append([record]);
  Deno.removeSync(folder, { recursive: true });
  return storage;
}

const segments = (storage: MemoryStorage) => storage.names().filter((name) => name.includes(".ndjson"));

/** Searches by their terms. They are taken from the text of the records, without the code under test. */
function searches(records: readonly LedgerRecord[]): Map<string, (record: LedgerRecord) => boolean> {
  const text = JSON.stringify(records);
  const words = (pattern: RegExp) => new Set([...text.matchAll(pattern)].map(([, word]) => word!));
  const made = new Map<string, (record: LedgerRecord) => boolean>();
  for (const namespace of words(/"namespace":"([^"]+)"/g)) {
    made.set(`namespace ${namespace}`, matcher({ namespace }));
    for (const name of words(/"(?:name|kubernetes\.io\/service-name)":"([^"]+)"/g)) {
      made.set(`Service ${namespace}/${name}`, matcher({ service: `${namespace}/${name}` }));
    }
  }
  for (const address of words(/"(\d+\.\d+\.\d+\.\d+|[0-9a-f]*:[0-9a-f:]+)"/g)) {
    made.set(`address ${address}`, matcher({ address }));
  }
  for (const kind of ["event", "commit", "config", "drift", "gap"]) {
    made.set(`kind ${kind}`, (record) => record.kind === kind);
  }
  return made;
}

Deno.test("the terms of a segment have everything that a search can match, and its earliest and latest time", () => {
  const storage = evening();
  const all = segments(storage).map((name) => ({
    records: [...readSegmentRecords(storage, name)],
    index: segmentTerms(storage, name),
  }));
  assert.ok(all.length > 5, `${all.length} segments`);
  let [passedOver, found] = [0, 0];
  for (const [term, matches] of searches(all.flatMap(({ records }) => records))) {
    for (const { records, index } of all) {
      if (!index.terms.has(term)) passedOver++;
      if (!records.some(matches)) continue;
      found++;
      assert.ok(index.terms.has(term), `${term} in a segment from ${records[0]!.time}`);
    }
  }
  assert.ok(found > 100 && passedOver > 100, `${found} found, ${passedOver} passed over`);
  for (const { records, index } of all) {
    const times = records.map(({ time }) => Date.parse(time));
    assert.deepEqual([index.begins, index.ends], [Math.min(...times), Math.max(...times)]);
  }
});

Deno.test("terms are kept in a file beside the segment, and made again where it cannot be read", () => {
  const storage = evening();
  const [name] = segments(storage) as [string];
  const made = segmentTerms(storage, name);
  const file = termsName(name);
  const kept = storage.files.get(file)!;
  storage.files.set(name, new Uint8Array());
  assert.deepEqual(segmentTerms(storage, name), made, "the segment is not read again");

  const [whole] = [evening().files.get(name)!];
  for (const damaged of [kept.slice(0, 20), new Uint8Array(), new TextEncoder().encode("{}")]) {
    storage.files.set(name, whole);
    storage.files.set(file, damaged);
    assert.deepEqual(segmentTerms(storage, name).terms, made.terms);
    assert.deepEqual(storage.files.get(file), kept, "the file is written again");
  }
});

Deno.test("a folder without write permission can be searched", () => {
  const storage = evening();
  const [name] = segments(storage) as [string];
  const terms = segmentTerms(storage, name).terms;
  storage.files.delete(termsName(name));
  storage.fault = (call) => {
    if (call === "create") throw Object.assign(new Error("EROFS for a test"), { code: "EROFS" });
  };
  assert.deepEqual(segmentTerms(storage, name).terms, terms);
  assert.ok(!storage.files.has(termsName(name)));
});
