// Journals that another program made, with a right hash: questions do not answer from that of other records, and `verify` finds one
// that does not follow from its own.

import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { emptyState } from "../../src/fold/cluster_state.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { type SnapshotLine, snapshotLines } from "../../src/fold/snapshot.ts";
import { snapshotMisfit } from "../../src/fold/snapshot_shape.ts";
import { historyOf } from "../../src/history/history.ts";
import { verifyPast } from "../../src/history/verify.ts";
import type { Past } from "../../src/history/past.ts";
import { ledgerView } from "../../src/ledger/ledger_view.ts";
import { writeSnapshot } from "../../src/ledger/snapshot_writer.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { appears, service, slice, vanishes } from "../support/cluster_notation.ts";
import { type MemoryStorage, memoryStorage } from "../support/memory_storage.ts";
import { committedPast } from "../support/past.ts";

const KEEP = { bytes: Infinity, milliseconds: Infinity };
const view = (storage: MemoryStorage) => ledgerView<SnapshotLine>(storage, snapshotMisfit);
const outages = (storage: MemoryStorage) => historyOf(view(storage)).outages();
const problems = (storage: MemoryStorage) => verifyPast(view(storage)).verdict.problems;

/** A ledger of closed segments in which the Service `name` loses its only endpoint, and whose journals were made. */
function ledgerOf(name: string): MemoryStorage {
  const web = slice(`shop/${name}-a http:8080/tcp 10.244.0.1`);
  const past = committedPast([
    [appears(service(`shop/${name} 10.96.0.1 http:80/tcp`)), appears(web)],
    [vanishes(web)],
    [appears(web)],
  ]);
  return inSegments(past, [2, 5]);
}

/** The records of `past` in segments that end behind these offsets, with their journals. */
function inSegments(past: Past, ends: readonly number[]): MemoryStorage {
  const storage = memoryStorage();
  using writer = new LedgerWriter(storage, { policy: "never" });
  const state = emptyState();
  for (const { offset, record } of past.records()) {
    if (ends.includes(offset)) writeSnapshot(writer, snapshotLines(state), KEEP);
    writer.append([record]);
    foldRecord(state, offset, record);
  }
  outages(storage);
  return storage;
}

const journals = (storage: MemoryStorage) => storage.names().filter((name) => name.includes(".journal"));

Deno.test("journals of another node are not read, and made again", () => {
  const [storage, other] = [ledgerOf("web"), ledgerOf("api")];
  const before = outages(storage);
  assert.equal(before.length, 1);
  assert.equal(journals(storage).length, 2);
  for (const name of journals(other)) storage.files.set(name, other.read(name));
  assert.deepEqual(outages(storage), before);
  assert.deepEqual(problems(storage), []);
});

Deno.test("a journal that was changed, with a right hash, is found by verify", () => {
  const storage = ledgerOf("web");
  assert.deepEqual(problems(storage), []);
  const second = journals(storage)[1]!;
  const content = new TextDecoder().decode(zstdDecompressSync(storage.read(second)));
  const text = content.slice(content.indexOf("\n") + 1).replaceAll("shop/web", "shop/api");
  storage.files.set(
    second,
    new Uint8Array(zstdCompressSync(new TextEncoder().encode(`${hash("sha256", text, "hex")}\n${text}`))),
  );
  assert.match(
    problems(storage).join(),
    /^0+2\.journal\.zst: it is not that of its records; remove the file/,
  );
});

Deno.test("a journal follows from its segment alone, also where an event and the step that it waited for are in two", () => {
  const web = slice("shop/web-a http:8080/tcp 10.244.0.1");
  const past = committedPast(
    [[appears(service("shop/web 10.96.0.1 http:80/tcp")), appears(web)], [vanishes(web)], [appears(web)]],
    { bounds: { most: 1000, large: 1000, step: 9, burst: { small: 0, most: 0 } } },
  );
  const end = [...past.records()].at(-1)!.offset;
  for (let at = 1; at <= end; at++) {
    const storage = inSegments(past, [at]);
    assert.deepEqual(problems(storage), [], `a segment from @${at}`);
    const [outage] = outages(storage);
    assert.equal(past.lookup()(outage!.cause!.offset)?.record.kind, "event");
  }
});
