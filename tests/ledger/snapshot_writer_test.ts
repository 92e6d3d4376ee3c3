// Snapshots of a ledger that is being written, with a power cut at each call of the storage.

import assert from "node:assert/strict";
import { NEWBORN } from "../../src/ledger/age.ts";
import { compressed } from "../../src/ledger/compression.ts";
import { atOnce } from "../../src/ledger/disk_work.ts";
import { DiskWriter } from "../../src/ledger/disk_writer.ts";
import { genesisChain, segmentName } from "../../src/ledger/format.ts";
import type { LedgerRecord, Offset } from "../../src/ledger/record.ts";
import { RecordEncoder } from "../../src/ledger/record_encoder.ts";
import { encodeSnapshot, newestSnapshot, snapshotName, snapshotPieces } from "../../src/ledger/snapshot.ts";
import { finishSnapshot, freeRoom, writeSnapshot } from "../../src/ledger/snapshot_writer.ts";
import { asFolder } from "../../src/ledger/storage.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { DiskStrand } from "../../src/node/disk_strand.ts";
import { EVERY_KIND, ID, KEEP_ALL, open, recordsIn, using } from "../support/ledger_records.ts";
import { type MemoryStorage, memoryStorage, storageError } from "../support/memory_storage.ts";

/** Stops the writer as a power cut does. */
class PowerCut extends Error {}

/** Writes a snapshot of the first records: at once, or while more records are appended. */
type MakeSnapshot = (writer: LedgerWriter, lines: readonly LedgerRecord[]) => void | Promise<void>;
const SNAPSHOTS: Readonly<Record<string, MakeSnapshot>> = {
  "at once": (writer, lines) => writeSnapshot(writer, lines, KEEP_ALL),
  "in steps": writeInSteps,
};

/** As the running node does: records are appended between the steps. */
async function writeInSteps(writer: LedgerWriter, lines: readonly LedgerRecord[]): Promise<void> {
  const { disk, place } = writer;
  atOnce(disk.attempt(disk.endSegment()));
  if (disk.failure !== undefined) return;
  const faults: unknown[] = [];
  const strand = new DiskStrand((error) => faults.push(error));
  strand.push((function* () {
    const text = [...snapshotPieces(place, lines)].join("");
    const bytes = yield* compressed(new TextEncoder().encode(text));
    yield* finishSnapshot(disk, place, bytes, KEEP_ALL);
  })());
  await strand.idle();
  if (faults.length > 0) throw faults[0];
}

for (const [how, makeSnapshot] of Object.entries(SNAPSHOTS)) {
  Deno.test(`power cut at any call, after any failure: a prefix remains, and in it all that was synced (snapshot ${how})`, () =>
    cutPower(makeSnapshot));
}

async function cutPower(makeSnapshot: MakeSnapshot): Promise<void> {
  const script = async (storage: MemoryStorage, cutAt: number, failAt: number) => {
    let calls = 0;
    let synced = 0;
    storage.fault = () => {
      if (++calls >= cutAt) throw new PowerCut();
      if (calls === failAt) throw storageError("EIO");
    };
    let snapshot: void | Promise<void> = undefined;
    try {
      const writer = open(storage, { segmentBytes: 700 });
      EVERY_KIND.forEach((record, i) => {
        writer.append([record]);
        if (i === 3) snapshot = makeSnapshot(writer, EVERY_KIND.slice(0, 4));
        if (i % 2 === 0) return;
        writer.sync();
        if (writer.failure === undefined) synced = i + 1;
      });
    } catch (error) {
      if (!(error instanceof PowerCut)) throw error;
    }
    try {
      await snapshot;
    } catch (error) {
      if (!(error instanceof PowerCut)) throw error;
    }
    return { synced, calls };
  };
  const { calls } = await script(memoryStorage(), Infinity, Infinity);
  assert.ok(calls > 20, `${calls} calls`);
  for (let cutAt = 1; cutAt <= calls + 1; cutAt++) {
    for (let failAt = 0; failAt < cutAt; failAt++) {
      const storage = memoryStorage();
      const { synced } = await script(storage, cutAt, failAt);
      for (const share of [0, 0.5, 1]) {
        const left = memoryStorage(storage.files);
        for (const [name, bytes] of storage.files) {
          const durable = storage.synced.get(name) ?? 0;
          left.files.set(name, bytes.slice(0, durable + Math.floor((bytes.length - durable) * share)));
        }
        const where = `cut at ${cutAt}, EIO at ${failAt}, ${share} of what was not synced`;
        const snapshot = newestSnapshot<LedgerRecord>(left);
        const known = [...snapshot?.lines ?? []];
        const onRecord = (_: Offset, record: LedgerRecord) => void known.push(record);
        using(open(left, { ...(snapshot ? { behind: snapshot } : {}), onRecord }), (writer) => {
          assert.equal(writer.next, known.length, where);
          assert.deepEqual(known, EVERY_KIND.slice(0, known.length), where);
          assert.ok(known.length >= synced, `${where}: ${known.length} of ${synced}`);
          writer.append(EVERY_KIND.slice(writer.next));
        });
        assert.deepEqual(recordsIn(left), EVERY_KIND, where);
      }
    }
  }
}

Deno.test("a snapshot in steps has the state of its begin; a writer that ends before leaves it unfinished", async () => {
  for (const ends of [false, true]) {
    const storage = memoryStorage();
    const writer = open(storage);
    const before = EVERY_KIND.slice(0, 4);
    writer.append(before);
    const snapshot = writeInSteps(writer, before);
    writer.append(EVERY_KIND.slice(4));
    if (ends) writer[Symbol.dispose]();
    await snapshot;
    assert.deepEqual(
      storage.names(),
      ends ? [segmentName(0), segmentName(4)] : [`${segmentName(0)}.zst`, segmentName(4), snapshotName(4)],
    );
    assert.deepEqual(newestSnapshot(storage)?.lines, ends ? undefined : before);
    assert.deepEqual(recordsIn(storage), EVERY_KIND);
    writer[Symbol.dispose]();
  }
});

Deno.test("the segment behind a snapshot is begun while the snapshot is finished: it stays as it is", async () => {
  const storage = memoryStorage();
  const disk = atOnce(DiskWriter.open(asFolder(storage), { policy: "interval" }));
  const encoder = new RecordEncoder(ID, { next: 0, chain: genesisChain(ID) }, NEWBORN);
  atOnce(disk.begin(ID, encoder.end, undefined));
  const append = (records: readonly LedgerRecord[]) => {
    const { lines, end } = encoder.encode(records);
    return disk.push(lines, end);
  };
  atOnce(append(EVERY_KIND.slice(0, 4)));
  atOnce(disk.endSegment());
  const { place } = encoder;
  const faults: unknown[] = [];
  const strands = [0, 1].map(() => new DiskStrand((error) => faults.push(error)));
  strands[0]!.push(append(EVERY_KIND.slice(4)));
  strands[1]!.push(finishSnapshot(disk, place, encodeSnapshot(place, EVERY_KIND.slice(0, 4)), KEEP_ALL));
  for (const strand of strands) await strand.idle();
  assert.deepEqual(faults, []);
  assert.deepEqual(storage.names(), [`${segmentName(0)}.zst`, segmentName(4), snapshotName(4)]);
  atOnce(disk.close());
  assert.deepEqual(recordsIn(storage), EVERY_KIND);
});

Deno.test("a full disk that has room for a compressed segment keeps the past that then fits into retention", () => {
  const storage = memoryStorage();
  using writer = open(storage);
  const { disk } = writer;
  const records = Array.from({ length: 30 }, () => EVERY_KIND).flat();
  // There is no room for the compressed segments either.
  storage.fault = (call) => {
    const isCompressed = call === "create" &&
      storage.names().some((name) => name === snapshotName(writer.next));
    if (isCompressed) throw storageError("ENOSPC");
  };
  for (let i = 0; i < 3; i++) {
    writer.append(records);
    writeSnapshot(writer, [], KEEP_ALL);
  }
  storage.fault = () => {};
  writer.append(records);
  const bytes = [...storage.files.values()].reduce((sum, { length }) => sum + length, 0);
  const segments = [0, 1, 2].map((i) => segmentName(i * records.length));
  assert.deepEqual(segments.filter((name) => storage.files.has(name)), segments);
  atOnce(freeRoom(disk, { bytes: bytes / 2, milliseconds: Infinity }, writer.place.age));
  assert.deepEqual(
    storage.names().filter((name) => name.endsWith(".ndjson.zst")),
    segments.map((name) => `${name}.zst`),
  );
  assert.deepEqual(recordsIn(storage).length, 4 * records.length);
});
