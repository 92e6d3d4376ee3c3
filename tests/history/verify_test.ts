// The verification of whole and damaged ledgers.

import assert from "node:assert/strict";
import { writeSnapshot } from "../../src/ledger/snapshot_writer.ts";
import { snapshotMisfit } from "../../src/fold/snapshot_shape.ts";
import { emptyState } from "../../src/fold/cluster_state.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { type SnapshotLine, snapshotLines } from "../../src/fold/snapshot.ts";
import { replayPart } from "../../src/history/replay_part.ts";
import { verifyPast } from "../../src/history/verify.ts";
import { FakeKernel } from "../../src/kernel/fake_kernel.ts";
import { ledgerView } from "../../src/ledger/ledger_view.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";
import { EngineProcess } from "../support/engine_process.ts";
import { type MemoryStorage, memoryStorage } from "../support/memory_storage.ts";
import { committedPast, writeCommitted } from "../support/past.ts";

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

/** A line as version 0.6.0 writes it, which has no classes but powers of two. */
function asBefore(line: SnapshotLine): SnapshotLine {
  if (line.kind === "state") {
    const { fold: _, ...older } = line;
    return older;
  }
  if (line.kind !== "slots") return line;
  return {
    ...line,
    slots: line.slots.map(([list, { slotClass, endpoints }]) => [list, { slotClass, endpoints }]),
  };
}

/** A ledger of version 0.6.0 with its snapshot, and this version went on from that. */
function upgraded(): MemoryStorage {
  const web = (...addresses: string[]) => appears(slice(`shop/web-a http:8080/tcp ${addresses.join(" ")}`));
  const storage = memoryStorage();
  const state = emptyState();
  {
    using writer = new LedgerWriter(storage, { policy: "never" });
    const batch = [
      appears(service("shop/web 10.96.0.1 http:80/tcp")),
      web("10.244.0.1", "10.244.0.2", "10.244.0.3"),
    ];
    const first = memoryStorage();
    writeCommitted(first, [batch]);
    for (const { offset, record } of ledgerView<SnapshotLine>(first, snapshotMisfit).records()) {
      const older = record.kind === "commit" ? { ...record, fold: 1 } : record;
      writer.append([older]);
      foldRecord(state, offset, older);
    }
    writeSnapshot(writer, [...snapshotLines(state)].map(asBefore), KEEP);
  }
  using kernel = new FakeKernel();
  using process = new EngineProcess(kernel, storage, { complete: true });
  process.commit([web("10.244.0.1", "10.244.0.2", "10.244.0.4")]);
  process.commit([web("10.244.0.1", "10.244.0.4")]);
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

Deno.test("what a program makes of a snapshot of 0.6.0 follows from that snapshot, which may differ from the records", () => {
  const storage = upgraded();
  const past = ledgerView<SnapshotLine>(storage, snapshotMisfit);
  assert.deepEqual(verifyPast(past).verdict.problems, []);
  const replay = replayPart(past, { from: 0, through: Infinity, bounded: false });
  using kernel = new FakeKernel();
  let step = replay.next();
  for (; !step.done; step = replay.next()) {
    if (step.value.transaction !== undefined) kernel.commit(step.value.transaction);
  }
  const { commits, otherVersions, difference, problem } = step.value;
  assert.deepEqual([commits, difference, problem], [3, null, null]);
  assert.equal(otherVersions, 0, "that of 0.6.0 has the same rules; its snapshot alone differs");
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
