// The verification of whole and damaged ledgers.

import assert from "node:assert/strict";
import { writeSnapshot } from "../../src/ledger/snapshot_writer.ts";
import { snapshotMisfit } from "../../src/fold/snapshot_shape.ts";
import { emptyState } from "../../src/fold/cluster_state.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { type SnapshotLine, snapshotLines } from "../../src/fold/snapshot.ts";
import { verifyPast } from "../../src/history/verify.ts";
import { ledgerView } from "../../src/ledger/ledger_view.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { type MemoryStorage, memoryStorage } from "../support/memory_storage.ts";
import { committedPast } from "../support/past.ts";

const RECORDS = [...committedPast().records()];
const KEEP = { bytes: Infinity, milliseconds: Infinity };

/** The records in two segments, with a snapshot of the first four between them; `lines` may change its lines. */
function ledger(lines = (made: readonly SnapshotLine[]) => made): MemoryStorage {
  const storage = memoryStorage();
  using writer = new LedgerWriter(storage, { policy: "never" });
  const state = emptyState();
  for (const { offset, record } of RECORDS) {
    if (offset === 4) writeSnapshot(writer, lines([...snapshotLines(state)]), KEEP);
    writer.append([record]);
    foldRecord(state, offset, record);
  }
  return storage;
}

const verify = (storage: MemoryStorage) => verifyPast(ledgerView<SnapshotLine>(storage, snapshotMisfit));

/** Changes the text of one file. */
function alter(storage: MemoryStorage, name: string, change: (text: string) => string): void {
  const text = new TextDecoder().decode(storage.files.get(name));
  storage.files.set(name, new TextEncoder().encode(change(text)));
}

const last = (storage: MemoryStorage) => storage.names().filter((name) => name.endsWith(".ndjson")).at(-1)!;

Deno.test("a whole ledger has no problems, and is folded to its end", () => {
  const { verdict, state, damage } = verify(ledger());
  const { first, last, segments, snapshots, problems, notes } = verdict;
  assert.deepEqual({ first, last, segments, snapshots, problems, notes }, {
    ...{ first: 0, last: 6, segments: 2, snapshots: 1 },
    ...{ problems: [], notes: [] },
  });
  assert.match(verdict.ledger, /^[0-9a-f]{16}$/);
  assert.deepEqual([state.folded, damage], [6, undefined]);
});

Deno.test("a changed record is damage; the records before it are whole", () => {
  const storage = ledger();
  alter(storage, last(storage), (text) => text.replace("EndpointSlice", "EndpointSlicf"));
  const { verdict, damage } = verify(storage);
  assert.equal(damage?.file, last(storage));
  assert.equal(verdict.problems.length, 1);
  assert.match(verdict.problems[0]!, /; whole up to @4$/);
  assert.deepEqual([verdict.last, verdict.ledger], [4, ""]);
});

Deno.test("where the first record is damaged, none can be trusted", () => {
  const storage = ledger();
  const name = last(storage);
  const one = memoryStorage(new Map([[name, storage.read(name)]]));
  alter(one, name, (text) => text.replace(/"offset":(\d+)/, '"offset":9$1'));
  assert.match(verify(one).verdict.problems.join(), /; no record from @4 on can be trusted$/);
});

Deno.test("a torn tail is a note and not a problem", () => {
  const storage = ledger();
  alter(storage, last(storage), (text) => text.slice(0, -5));
  const { verdict, damage } = verify(storage);
  assert.deepEqual([verdict.problems, verdict.last, damage], [[], 5, undefined]);
  assert.match(verdict.notes[0]!, /bytes of an unfinished write/);
});

Deno.test("a snapshot of another state and a broken snapshot are problems", () => {
  const { verdict } = verify(ledger((lines) => lines.slice(0, -1)));
  assert.match(
    verdict.problems.join(),
    /\.snapshot\.zst: it is not the state that the records before it make$/,
  );
  const broken = ledger();
  const name = broken.names().find((name) => name.endsWith(".snapshot.zst"))!;
  broken.files.set(name, new Uint8Array([1, 2, 3]));
  assert.match(verify(broken).verdict.problems.join(), /\.snapshot\.zst: .*; it will not be used$/);
});
