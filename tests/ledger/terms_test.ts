// The terms of segments. A search never skips a segment that has a match, and terms that cannot be read are made again.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { matcher } from "../../src/history/log.ts";
import { closedRecords, readLedger } from "../../src/ledger/reader.ts";
import type { LedgerRecord } from "../../src/ledger/record.ts";
import { isLedgerDamage } from "../../src/ledger/damage.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import { segmentTerms, termsFault } from "../../src/ledger/terms.ts";
import { termsName } from "../../src/ledger/format.ts";
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
  for (const address of words(/"(\d+\.\d+\.\d+\.\d+|[0-9a-f]*:[0-9a-f]*:[0-9a-f:]*)"/g)) {
    made.set(`address ${address}`, matcher({ address }));
  }
  for (const kind of ["event", "commit", "config", "drift", "gap"]) {
    made.set(`kind ${kind}`, (record) => record.kind === kind);
  }
  return made;
}

Deno.test("the terms of a segment have everything that a search can match, and its earliest and latest time", () => {
  const storage = evening();
  const names = segments(storage);
  const all = names.slice(0, -1).map((name, i) => ({
    records: [...closedRecords(storage, name, names[i + 1]!)].map(({ record }) => record),
    index: segmentTerms(storage, name, names[i + 1]!),
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
  const [name, after] = segments(storage) as [string, string];
  const made = segmentTerms(storage, name, after);
  const file = termsName(name);
  const kept = storage.files.get(file)!;
  storage.files.set(name, new Uint8Array());
  assert.deepEqual(segmentTerms(storage, name, after), made, "the segment is not read again");

  const [whole] = [evening().files.get(name)!];
  for (const damaged of [kept.slice(0, 20), new Uint8Array(), new TextEncoder().encode("{}")]) {
    storage.files.set(name, whole);
    storage.files.set(file, damaged);
    assert.deepEqual(segmentTerms(storage, name, after).terms, made.terms);
    assert.deepEqual(storage.files.get(file), kept, "the file is written again");
  }
});

Deno.test("a folder without write permission can be searched", () => {
  const storage = evening();
  const [name, after] = segments(storage) as [string, string];
  const terms = segmentTerms(storage, name, after).terms;
  storage.files.delete(termsName(name));
  storage.fault = (call) => {
    if (call === "create") throw Object.assign(new Error("EROFS for a test"), { code: "EROFS" });
  };
  assert.deepEqual(segmentTerms(storage, name, after).terms, terms);
  assert.ok(!storage.files.has(termsName(name)));
});

/** The terms of the first segment, as a search finds them after \`change\` of their file; and the file's fault. */
function afterChange(change: (text: string) => string): { address: boolean; fault: string | undefined } {
  const storage = evening();
  const [name, after] = segments(storage) as [string, string];
  const [address] = [...segmentTerms(storage, name, after).terms].filter((term) =>
    term.startsWith("address")
  );
  const text = new TextDecoder().decode(zstdDecompressSync(storage.files.get(termsName(name))!));
  storage.files.set(termsName(name), zstdCompressSync(new TextEncoder().encode(change(text))));
  const fault = termsFault(storage, name, after);
  return { address: segmentTerms(storage, name, after).terms.has(address!), fault };
}

Deno.test("terms that were changed, are of another segment or have no hash are not used, and a fault", () => {
  const without = (text: string) => text.replace(/"address [^"]+",/g, "");
  const old = (text: string) => {
    const { version: _, ...rest } = JSON.parse(without(text).split("\n")[0]!);
    return JSON.stringify({ version: 1, ...rest });
  };
  const elsewhere = (text: string) => {
    const line = without(text).split("\n")[0]!.replace(/"next":\d+/, '"next":7');
    return `${line}\n${JSON.stringify({ sha256: createHash("sha256").update(line).digest("hex") })}\n`;
  };
  assert.deepEqual(afterChange((text) => text), { address: true, fault: undefined });
  assert.deepEqual(afterChange(without), { address: true, fault: "damaged (SHA-256)" });
  assert.deepEqual(afterChange(old), { address: true, fault: "they are not those of its records" });
  assert.deepEqual(afterChange(elsewhere), { address: true, fault: "they are not those of its segment" });
});

Deno.test("a segment that is not whole has no terms: a search for what is not there says so", () => {
  const storage = evening();
  const [name, after] = segments(storage) as [string, string];
  const bytes = storage.files.get(name)!;
  storage.files.set(name, bytes.subarray(0, bytes.lastIndexOf(0x0a, bytes.length - 2) + 1));
  assert.throws(() => segmentTerms(storage, name, after), isLedgerDamage);
  assert.equal(termsFault(storage, name, after), undefined, "none are kept");
});
