// What a start reads of its ledger before it makes the state: what the state is made from, or nothing where anything is wrong.

import assert from "node:assert/strict";
import { type SnapshotLine, snapshotLines } from "../../src/fold/snapshot.ts";
import { keyFile } from "../../src/ledger/cut_files.ts";
import { segmentNames } from "../../src/ledger/format.ts";
import type { LedgerRecord, Offset } from "../../src/ledger/record.ts";
import { encodeSnapshot, readSnapshot, type Snapshot, snapshotName } from "../../src/ledger/snapshot.ts";
import { writeSnapshot } from "../../src/ledger/snapshot_writer.ts";
import { NotLoaded } from "../../src/ledger/storage.ts";
import { SNAPSHOT_TAIL_BYTES } from "../../src/limits/ledger.ts";
import { type LedgerAhead, openAhead } from "../../src/node/ledger_ahead.ts";
import { foldBeginning } from "../../src/node/start.ts";
import { appears, nodeIn, service, slice, vanishes } from "../support/cluster_notation.ts";
import { flipped } from "../support/damaged_files.ts";
import { folded } from "../support/folded.ts";
import { KEEP_ALL, open, using } from "../support/ledger_records.ts";
import { type MemoryStorage, memoryStorage } from "../support/memory_storage.ts";

const versioned = (record: ReturnType<typeof appears>, resourceVersion: string): LedgerRecord => ({
  ...record,
  resourceVersion,
  value: record.value && { ...record.value, metadata: { ...record.value.metadata, resourceVersion } },
} as LedgerRecord);
const BEFORE = [
  versioned(appears(service("shop/web 10.96.0.1 http:80/tcp")), "4"),
  versioned(appears(slice("shop/web-a http:8080/tcp 10.244.0.1")), "5"),
];
const BEHIND = [
  versioned(appears(slice("shop/web-b http:8080/tcp 10.244.0.2")), "7"),
  versioned(vanishes(slice("shop/web-b http:8080/tcp")), "12"),
];

/** A ledger with a snapshot, and records behind it. */
function ledger(behind: readonly LedgerRecord[] = BEHIND): MemoryStorage {
  const storage = memoryStorage();
  using(open(storage), (writer) => {
    writer.append(BEFORE);
    writeSnapshot(writer, snapshotLines(folded(...BEFORE)), KEEP_ALL);
    writer.append(behind);
  });
  return storage;
}

const recordsOf = (ahead: LedgerAhead): [Offset, LedgerRecord][] => {
  const records: [Offset, LedgerRecord][] = [];
  ahead.replay({ onRecord: (...record) => records.push(record) });
  return records;
};

Deno.test("a start reads the snapshot, the records behind it and the newest versions, and goes on from there", async () => {
  const storage = ledger();
  const ahead = openAhead(storage)!;
  assert.deepEqual(recordsOf(ahead), BEHIND.map((record, i) => [2 + i, record]));
  assert.deepEqual(ahead.records.map(({ offset }) => offset), [2, 3]);
  assert.deepEqual([...ahead.versions], [["EndpointSlice", "12"], ["Service", "4"]]);
  assert.equal(ahead.next, 4);
  while (ahead.parsePiece());
  assert.deepEqual(await ahead.beginning(), foldBeginning(storage));
  const { end, encoder } = ahead.recovered;
  assert.deepEqual([end!.next, encoder.place.chain], [4, end!.chain]);
  const bare = openAhead(ledger([]))!;
  assert.ok(await bare.isWhole);
  assert.deepEqual(
    Object.keys(bare.recovered.end!).sort(),
    ["chain", "ledger", "next", "segment", "torn"],
    "and no lines",
  );
});

function whole(storage: MemoryStorage, name: string): Snapshot<SnapshotLine> {
  const snapshot = readSnapshot<SnapshotLine>(storage, name);
  assert.ok(typeof snapshot !== "string");
  return snapshot;
}

Deno.test("nothing is read ahead where a start must look at the ledger more closely", async () => {
  const name = snapshotName(2);
  const without = (change: (storage: MemoryStorage) => void) => {
    const storage = ledger();
    change(storage);
    assert.equal(openAhead(storage), undefined);
  };
  without(({ files }) => files.delete(name));
  without((storage) => {
    const last = segmentNames(storage).at(-1)!;
    storage.files.set(last, storage.files.get(last)!.slice(0, -3));
  });
  assert.ok(await openAhead(ledger())!.isWhole);
  const later = (next: number) => (storage: MemoryStorage) => {
    const { lines, ...place } = whole(storage, name);
    storage.files.set(snapshotName(next), encodeSnapshot({ ...place, next }, lines));
  };
  without(later(9));
  without(later(3));
  without(({ files }) => files.set(keyFile(9), new Uint8Array()));
  without((storage) => {
    const { lines, ...place } = whole(storage, name);
    const [{ versions: _, ...head }, ...others] = lines as [
      SnapshotLine & { versions?: unknown },
      ...SnapshotLine[],
    ];
    storage.files.set(name, encodeSnapshot(place, [head, ...others]));
  });
  const long = slice(`shop/long-a http:8080/tcp ${"10.244.0.1 ".repeat(1000).trim()}`);
  const many = Array.from(
    { length: 2 * SNAPSHOT_TAIL_BYTES / JSON.stringify(long).length },
    () => appears(long),
  );
  assert.equal(openAhead(ledger(many)), undefined);
  const restored = versioned(appears(slice("shop/web-c http:8080/tcp 10.244.0.3")), "6");
  assert.equal(openAhead(ledger([...BEHIND, restored])), undefined, "versions that go back");
});

Deno.test("a file with a flipped bit leads to what is there without it, or to nothing", async () => {
  const storage = ledger();
  const right = openAhead(storage)!;
  const [records, beginning] = [recordsOf(right), await right.beginning()];
  let [same, nothing] = [0, 0];
  for (const [name, bytes] of [...storage.files]) {
    for (let bit = 0; bit < 8 * bytes.length; bit += 13) {
      storage.files.set(name, flipped(bytes, bit));
      const ahead = openAhead(storage);
      const begins = await ahead?.beginning();
      if (begins === undefined) nothing++;
      else {
        same++;
        assert.deepEqual([recordsOf(ahead!), begins], [records, beginning], `bit ${bit} of ${name}`);
      }
    }
    storage.files.set(name, bytes);
  }
  assert.ok(nothing > 100 && same > 0, `${nothing} nothing, ${same} the same`);
});

Deno.test("a file that is not loaded yet is asked for, and an event without a version counts for none", async () => {
  const storage = ledger([appears(slice("shop/web-b http:8080/tcp")), appears(nodeIn("node-a", "zone-a"))]);
  const unloaded = {
    ...storage,
    read: () => {
      throw new NotLoaded("a");
    },
  };
  assert.throws(() => openAhead(unloaded), NotLoaded);
  const ahead = openAhead(storage)!;
  assert.deepEqual([...ahead.versions], [["EndpointSlice", "5"], ["Service", "4"]]);
  assert.ok(await ahead.isWhole);
});
