// What becomes of closed segments: they are compressed, and go when they are too old by the ledger's own times, or too many.
// No clock can take the past away.

import assert from "node:assert/strict";
import { segmentName } from "../../src/ledger/format.ts";
import { readLedger } from "../../src/ledger/reader.ts";
import type { LedgerRecord } from "../../src/ledger/record.ts";
import { retain, type Retention } from "../../src/ledger/retention.ts";
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

/** Ten records at `day`, and a snapshot behind them. */
function live(writer: LedgerWriter, day: number, retention: Retention): void {
  for (let i = 0; i < 10; i++) writer.append([record(writer.next, day)]);
  writeSnapshot(writer, [{ through: writer.next - 1 }], retention);
}

const segments = (storage: MemoryStorage) => storage.names().filter((name) => /ndjson/.test(name)).length;

/** A ledger of `days` with a segment and a snapshot each. */
function ledgerOf(days: number): MemoryStorage {
  const storage = memoryStorage();
  using(open(storage), (writer) => {
    for (let day = 0; day < days; day++) live(writer, day, KEEP_ALL);
  });
  return storage;
}

Deno.test("behind a snapshot the past is compressed, and what is beyond retention goes with its snapshots", () => {
  const storage = ledgerOf(4);
  const compressed = [0, 10, 20, 30].map((first) => `${segmentName(first)}.zst`);
  const all = [...compressed, ...[10, 20, 30, 40].map(snapshotName)];
  assert.deepEqual(storage.names(), all.toSorted());
  const records = recordsIn(storage);
  assert.equal(records.length, 40);

  // The segments end on days 0, 1, 2 and 3.
  const old = memoryStorage(storage.files);
  const oneAndAHalf = { bytes: Infinity, milliseconds: 1.5 * DAY };
  assert.deepEqual(retain(old, oneAndAHalf, { milliseconds: 2 * DAY }), [compressed[0]]);
  assert.deepEqual(retain(old, oneAndAHalf, { milliseconds: 2 * DAY }), []);
  assert.deepEqual(retain(old, oneAndAHalf, { milliseconds: 3 * DAY }), [compressed[1], snapshotName(10)]);
  assert.deepEqual(recordsIn(old), records.slice(20));
  const nothing = { bytes: 0, milliseconds: Infinity };
  while (retain(old, nothing, { milliseconds: 3 * DAY }).length > 0);
  assert.deepEqual(old.names(), [snapshotName(40)].sort(), "HEAD and what it needs stay");
});

Deno.test("two years of churn stay within the bounds, and what is kept can be folded", () => {
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

Deno.test("a clock that is 400 days ahead ages the past by a day, and one that goes back by nothing", () => {
  const storage = ledgerOf(29);
  using(open(storage), (writer) => {
    live(writer, 29 + 400, THIRTY_DAYS);
    assert.equal(segments(storage), 30, "nothing is older than 30 days, as far as the ledger knows");
    for (let day = 30; day < 60; day++) live(writer, day, THIRTY_DAYS);
    assert.ok(Math.abs(segments(storage) - 31) <= 1, `${segments(storage)} segments`);
    for (let day = -500; day < -460; day++) live(writer, day, THIRTY_DAYS);
    assert.ok(
      Math.abs(segments(storage) - 31) <= 1,
      `${segments(storage)} segments, by a clock that went back`,
    );
  });
});

Deno.test("a wrong setting takes at most a quarter of the past at once", () => {
  const storage = ledgerOf(40);
  for (const retention of [{ bytes: 0, milliseconds: Infinity }, { bytes: Infinity, milliseconds: 0 }]) {
    const left = memoryStorage(storage.files);
    retain(left, retention, { milliseconds: 40 * DAY });
    assert.ok(segments(left) >= 30 && segments(left) < 40, `${segments(left)} of 40 segments`);
  }
});

Deno.test("times of events do not count: a recording has its own", () => {
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
