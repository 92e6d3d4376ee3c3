// Readers beside a writer: at each of their calls the writer may have gone on, compressed segments, or removed them. An answer is
// then the one before or the one after, and never an error or a mixture.

import assert from "node:assert/strict";
import { atOnce } from "../../src/ledger/disk_work.ts";
import { asFolder, type Storage } from "../../src/ledger/storage.ts";
import { zstdCompressSync } from "node:zlib";
import { emptyState } from "../../src/fold/cluster_state.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { type SnapshotLine, snapshotLines } from "../../src/fold/snapshot.ts";
import { snapshotMisfit } from "../../src/fold/snapshot_shape.ts";
import { historyOf } from "../../src/history/history.ts";
import type { Past } from "../../src/history/past.ts";
import { verifyPast } from "../../src/history/verify.ts";
import { windowOf } from "../../src/history/window.ts";
import { askAgain, ifThere, isSegmentGone, SegmentGone } from "../../src/ledger/gone.ts";
import { ledgerView } from "../../src/ledger/ledger_view.ts";
import { replaceByCompressed, retain } from "../../src/ledger/retention.ts";
import { writeSnapshot } from "../../src/ledger/snapshot_writer.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";
import { type MemoryStorage, memoryStorage } from "../support/memory_storage.ts";
import { committedPast } from "../support/past.ts";

const KEEP = { bytes: Infinity, milliseconds: Infinity };

/** A past of a Service whose endpoints change in 12 commits. */
const RECORDS = [
  ...committedPast([
    [appears(service("shop/web 10.96.0.1 http:80/tcp"))],
    ...Array.from({ length: 12 }, (_, i) => [appears(slice(`shop/web-a http:8080/tcp 10.244.0.${i + 1}`))]),
  ]).records(),
];

/** The records in a ledger with a snapshot after each eight; the last segment is open. `after` snapshots nothing is compressed. */
function ledger(compressed: boolean): MemoryStorage {
  const storage = memoryStorage();
  const state = emptyState();
  using writer = new LedgerWriter(storage, { policy: "never", ledger: "0123456789abcdef" });
  for (const { offset, record } of RECORDS) {
    if (offset > 0 && offset % 8 === 0) {
      if (compressed) writeSnapshot(writer, snapshotLines(state), KEEP);
      else atOnce(writer.disk.endSegment());
    }
    writer.append([record]);
    foldRecord(state, offset, record);
  }
  return storage;
}

/** A view of `storage` in which `act` happens before the n-th call of a reader. */
function actingAt(storage: MemoryStorage, n: number, act: () => void): { past: Past; calls: () => number } {
  let calls = 0;
  const counted = <A extends unknown[], T>(call: (...args: A) => T) => (...args: A): T => {
    if (calls++ === n) act();
    return call(...args);
  };
  const reader: Storage = {
    ...storage,
    names: counted(storage.names),
    size: counted(storage.size),
    read: counted(storage.read),
  };
  return { past: ledgerView<SnapshotLine>(reader, snapshotMisfit), calls: () => calls };
}

/** Retention keeps the records from here on: the last segment. */
const KEPT = 24;

/** Questions about a Service that can be asked whatever is kept, as JSON. */
const QUESTIONS: Readonly<Record<string, (past: Past) => unknown>> = {
  log: (past) => [...historyOf(past).log({ service: "shop/web" })].filter(({ offset }) => offset >= KEPT),
  blame: (past) => [...historyOf(past).blame("shop/web")],
  show: (past) => historyOf(past).show("@25"),
  why: (past) =>
    historyOf(past).why({ source: "10.0.0.1", destination: "10.96.0.1", protocol: "tcp", port: 80 } as never),
  time: (past) => historyOf(past).offsetOf("2026-11-23T03:12:13Z"),
  report: (past) => past.again(() => windowOf(past, { records: 2, bytes: Infinity })?.records),
  verify: (past) => past.again(() => verifyPast(past)).verdict.problems,
};

/** Asks each question once for each call that it makes, with `act` before that call. */
function askBeside(made: () => MemoryStorage, act: (storage: MemoryStorage) => void): void {
  for (const [name, ask] of Object.entries(QUESTIONS)) {
    const still = actingAt(made(), -1, () => {});
    const before = JSON.stringify(ask(still.past));
    const changed = made();
    act(changed);
    const after = JSON.stringify(ask(ledgerView<SnapshotLine>(changed, snapshotMisfit)));
    for (let n = 0; n < still.calls(); n++) {
      const storage = made();
      const { past } = actingAt(storage, n, () => act(storage));
      const answer = JSON.stringify(ask(past));
      assert.ok(answer === before || answer === after, `${name}, call ${n}: ${answer}, not ${before}`);
    }
    assert.ok(still.calls() > 1, name);
  }
}

Deno.test("closed segments may be compressed at any call of a reader", () => {
  askBeside(() => ledger(false), (storage) => {
    for (const name of storage.names().filter((name) => name.endsWith(".ndjson")).slice(0, -1)) {
      compress(storage, name);
    }
  });
});

Deno.test("retention may remove all but the newest segments at any call of a reader", () => {
  askBeside(() => ledger(true), (storage) => {
    while (
      atOnce(retain(asFolder(storage), { bytes: 0, milliseconds: Infinity }, { milliseconds: 0 })).length > 0
    );
  });
});

Deno.test("the writer may be in the middle of a line at any call of a reader, and finish it", () => {
  const torn = () => {
    const storage = ledger(true);
    const name = storage.names().findLast((name) => name.endsWith(".ndjson"))!;
    const whole = storage.files.get(name)!;
    return { storage, name, whole, part: whole.subarray(0, whole.length - 9) };
  };
  for (let n = 0; n < 40; n++) {
    const { storage, name, whole, part } = torn();
    storage.files.set(name, part);
    const { past } = actingAt(storage, n, () => storage.files.set(name, whole));
    const { problems } = verifyPast(past).verdict;
    assert.deepEqual(problems, [], `call ${n}`);
  }
});

Deno.test("a question is asked again while segments go, and not for ever", () => {
  let asked = 0;
  const goes = () => {
    if (++asked < 3) throw new SegmentGone("a");
    return asked;
  };
  assert.equal(askAgain(goes), 3);
  assert.throws(() =>
    askAgain(() => {
      throw new SegmentGone("a");
    }), isSegmentGone);
  assert.equal(
    ifThere(() => {
      throw new Deno.errors.NotFound("a");
    }),
    undefined,
  );
  assert.throws(() =>
    ifThere(() => {
      throw new Error("another");
    }), /another/);
});

function compress(storage: MemoryStorage, name: string): void {
  atOnce(replaceByCompressed(asFolder(storage), name, zstdCompressSync(storage.read(name))));
}
