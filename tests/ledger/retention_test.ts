// Closed segments are compressed, and removed when they are too old by the ledger's own times, or too large together. No
// wrong clock can remove the past.

import assert from "node:assert/strict";
import { atOnce } from "../../src/ledger/disk_work.ts";
import { asFolder } from "../../src/ledger/storage.ts";
import { segmentName } from "../../src/ledger/format.ts";
import { readLedger } from "../../src/ledger/reader.ts";
import type { LedgerRecord } from "../../src/ledger/record.ts";
import { keptPast, retain, type Retention } from "../../src/ledger/retention.ts";
import { newestSnapshot, snapshotName } from "../../src/ledger/snapshot.ts";
import { writeSnapshot } from "../../src/ledger/snapshot_writer.ts";
import type { LedgerWriter } from "../../src/ledger/writer.ts";
import { EVERY_KIND, KEEP_ALL, open, recordsIn, using } from "../support/ledger_records.ts";
import { type MemoryStorage, memoryStorage } from "../support/memory_storage.ts";

const DAY = 24 * 3600 * 1000;
const START = Date.parse("2026-01-01T00:00:00Z");
const THIRTY_DAYS: Retention = { bytes: Infinity, milliseconds: 30 * DAY };

const record = (i: number, day: number): LedgerRecord => ({
  ...EVERY_KIND[0]!,
  nodeName: `node-${i}`,
  time: new Date(START + day * DAY).toISOString(),
} as LedgerRecord);

/** Appends ten records at `day`, and then a snapshot. */
function live(writer: LedgerWriter, day: number, retention: Retention): void {
  for (let i = 0; i < 10; i++) writer.append([record(writer.next, day)]);
  writeSnapshot(writer, [{ through: writer.next - 1 }], retention);
}

const segments = (storage: MemoryStorage) => storage.names().filter((name) => /ndjson/.test(name)).length;

/** A ledger with a segment and a snapshot for each of `days`. */
function ledgerOf(days: number): MemoryStorage {
  const storage = memoryStorage();
  using(open(storage), (writer) => {
    for (let day = 0; day < days; day++) live(writer, day, KEEP_ALL);
  });
  return storage;
}

Deno.test("segments before a snapshot are compressed, and those beyond retention are removed with their snapshots", () => {
  const storage = ledgerOf(4);
  const compressed = [0, 10, 20, 30].map((first) => `${segmentName(first)}.zst`);
  const all = [...compressed, ...[10, 20, 30, 40].map(snapshotName)];
  assert.deepEqual(storage.names(), all.toSorted());
  const records = recordsIn(storage);
  assert.equal(records.length, 40);

  // The segments end on days 0, 1, 2 and 3.
  const old = memoryStorage(storage.files);
  const oneAndAHalf = { bytes: Infinity, milliseconds: 1.5 * DAY };
  assert.deepEqual(atOnce(retain(asFolder(old), oneAndAHalf, { milliseconds: 2 * DAY })), [compressed[0]]);
  assert.deepEqual(atOnce(retain(asFolder(old), oneAndAHalf, { milliseconds: 2 * DAY })), []);
  assert.deepEqual(atOnce(retain(asFolder(old), oneAndAHalf, { milliseconds: 3 * DAY })), [
    compressed[1],
    snapshotName(10),
  ]);
  assert.deepEqual(recordsIn(old), records.slice(20));
  const nothing = { bytes: 0, milliseconds: Infinity };
  while (atOnce(retain(asFolder(old), nothing, { milliseconds: 3 * DAY })).length > 0);
  const head = [compressed[3]!, ...[30, 40].map(snapshotName)];
  assert.deepEqual(old.names(), head.toSorted(), "HEAD and what it needs stay");
});

Deno.test("the segment that is being written stays, however old and large the ledger is", () => {
  const storage = ledgerOf(2);
  // Large beside the segments, so that the share which goes at once does not protect them.
  storage.files.set(snapshotName(20), new Uint8Array(100_000));
  using(open(storage), (writer) => {
    writer.append([record(20, 99)]);
    const { segment } = writer;
    while (
      atOnce(retain(asFolder(storage), { bytes: 0, milliseconds: 0 }, { milliseconds: 99 * DAY })).length > 0
    );
    assert.ok(storage.names().includes(segment!), storage.names().join());
  });
  assert.deepEqual(recordsIn(storage), [record(20, 99)]);
});

Deno.test("two years of changes stay within the limits, and the kept records can be folded", () => {
  const storage = memoryStorage();
  const most = 20_000;
  using(open(storage), (writer) => {
    for (let day = 0; day < 730; day++) {
      live(writer, day, { ...THIRTY_DAYS, bytes: most });
      const size = [...storage.files.values()].reduce((sum, { length }) => sum + length, 0);
      assert.ok(size <= most + 5000, `day ${day}: ${size} bytes`);
    }
  });
  const kept = [...readLedger(storage)];
  assert.ok(kept.length >= 10 && kept.length <= 310, `${kept.length} records`);
  const through = kept[0]!.offset - 1;
  assert.deepEqual(newestSnapshot<unknown>(storage, kept[0]!.offset)?.lines, [{ through }]);
  assert.deepEqual(kept.at(-1)!.record, record(7299, 729));
});

Deno.test("a clock that is 400 days ahead ages the ledger by a day, and one that is set back by nothing", () => {
  const storage = ledgerOf(29);
  using(open(storage), (writer) => {
    live(writer, 29 + 400, THIRTY_DAYS);
    assert.equal(segments(storage), 30, "by the ledger's own times nothing is older than 30 days");
    for (let day = 30; day < 60; day++) live(writer, day, THIRTY_DAYS);
    assert.ok(Math.abs(segments(storage) - 31) <= 1, `${segments(storage)} segments`);
    for (let day = -500; day < -460; day++) live(writer, day, THIRTY_DAYS);
    assert.ok(
      Math.abs(segments(storage) - 31) <= 1,
      `${segments(storage)} segments, by a clock that went back`,
    );
  });
});

Deno.test("a wrong setting removes at most a quarter of the past at once", () => {
  const storage = ledgerOf(40);
  for (const retention of [{ bytes: 0, milliseconds: Infinity }, { bytes: Infinity, milliseconds: 0 }]) {
    const left = memoryStorage(storage.files);
    atOnce(retain(asFolder(left), retention, { milliseconds: 40 * DAY }));
    assert.ok(segments(left) >= 30 && segments(left) < 40, `${segments(left)} of 40 segments`);
  }
});

Deno.test("the times of events do not count, because a recording has its own", () => {
  const storage = ledgerOf(20);
  using(open(storage), (writer) => {
    for (let i = 0; i < 40; i++) {
      writer.append([{ ...EVERY_KIND[1]!, time: new Date(START + 900 * DAY).toISOString() } as LedgerRecord]);
      writer.append([record(i, 20)]);
    }
    writeSnapshot(writer, [], THIRTY_DAYS);
  });
  assert.equal(segments(storage), 21);
});

Deno.test("how far back a ledger reaches follows from what retention has left of it", () => {
  const storage = ledgerOf(40);
  const age = { milliseconds: 39 * DAY };
  const kept = () => atOnce(keptPast(asFolder(storage), age));
  assert.deepEqual(kept(), { milliseconds: 39 * DAY, isCut: false });
  const removed = atOnce(retain(asFolder(storage), { bytes: 0, milliseconds: Infinity }, age));
  // Each day has a segment, and its snapshot is behind it.
  const days = removed.filter((name) => /ndjson/.test(name)).length;
  assert.deepEqual(kept(), { milliseconds: (39 - (days - 1)) * DAY, isCut: true });
  storage.files.set(snapshotName(10 * days), new TextEncoder().encode("damaged"));
  assert.equal(kept(), undefined);
});
