// Snapshots of a running node: in pieces, with pauses between them, and not one after the other.

import assert from "node:assert/strict";
import { emptyState } from "../../src/fold/cluster_state.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import type { LedgerRecord, Offset } from "../../src/ledger/record.ts";
import { readLedger } from "../../src/ledger/reader.ts";
import { newestSnapshot } from "../../src/ledger/snapshot.ts";
import { writeSnapshot } from "../../src/ledger/snapshot_writer.ts";
import { SNAPSHOT_TAIL_BYTES } from "../../src/limits/ledger.ts";
import { SORTED_AT_ONCE } from "../../src/limits/rules.ts";
import { Snapshots } from "../../src/node/snapshots.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";
import { DiskPair } from "../support/disk_pair.ts";
import { KEEP_ALL, open, using } from "../support/ledger_records.ts";
import { memoryStorage, storageError } from "../support/memory_storage.ts";
import { until } from "../support/until.ts";

const PORTS = 30;
const ENDPOINTS = 1000;
const ports = (first: number) => Array.from({ length: PORTS }, (_, i) => `p${i}:${first + i}/tcp`).join(" ");
const hosts = Array.from({ length: ENDPOINTS }, (_, i) => `10.244.${i >> 8}.${i & 255}`).join(" ");
/** A record as long as a snapshot waits for. */
const LONG: LedgerRecord = {
  ...{ kind: "drift", time: "2026-01-01T00:00:00.000Z", process: "nft", pid: 1, response: "none" },
  changes: ["x".repeat(SNAPSHOT_TAIL_BYTES)],
};

/** Replaces the clock of the process until it is disposed of. */
function replacedNow(now: () => number): Disposable {
  const { now: before } = performance;
  performance.now = now;
  return { [Symbol.dispose]: () => void (performance.now = before) };
}

Deno.test("the loop turns many times while a snapshot of a large Service is made, and the next one is not begun at once", async () => {
  const storage = memoryStorage();
  const pair = new DiskPair(storage);
  const ledger = pair.open();
  assert.ok(typeof ledger !== "string");
  const state = emptyState();
  const objects = [
    slice(`shop/large-a ${ports(8080)} ${hosts}`),
    service(`shop/large 10.96.0.1 ${ports(80)}`),
  ];
  objects.forEach((object, offset) => foldRecord(state, offset as Offset, appears(object)));
  let signed = 0;
  const snapshots = new Snapshots(() => state, ledger, {}, () => signed++);
  snapshots.takeWhereDue();
  assert.equal(signed, 0, "nothing is in the ledger");
  ledger.append([LONG]);
  // A clock that goes on only when it is read: however long this test is held up, the pause after the snapshot is not over.
  let milliseconds = performance.now();
  using _clock = replacedNow(() => milliseconds++);
  snapshots.takeWhereDue();
  assert.equal(signed, 1);
  const ended = () => pair.sent.some(({ kind }) => kind === "snapshot-end");
  let turns = 0;
  const counting = setInterval(() => turns++, 0);
  await until("it is made", ended);
  clearInterval(counting);
  assert.ok(turns > PORTS * ENDPOINTS / SORTED_AT_ONCE, `${turns} turns`);
  ledger.append([LONG]);
  snapshots.takeWhereDue();
  assert.equal(signed, 1, "the next one waits ten times as long as this one took");
  pair.work();
  assert.equal(newestSnapshot(storage)!.lines.length, 1 + 2 + 1 + 4);
  await snapshots.end();
  pair.work();
  assert.equal(newestSnapshot(storage)!.next, 2, "at the end of the program it waits no longer");
});

Deno.test("what is kept for a snapshot is released once it is made, and where the ledger is lost meanwhile", async () => {
  for (const isLost of [false, true]) {
    const pair = new DiskPair(memoryStorage());
    const ledger = pair.open();
    assert.ok(typeof ledger !== "string");
    const state = emptyState();
    foldRecord(state, 0 as Offset, appears(service("shop/web 10.96.0.1 http:80/tcp")));
    const { programs } = state;
    let held = 0;
    programs.keep = () => {
      const kept = Object.getPrototypeOf(programs).keep.call(programs);
      held++;
      return { ...kept, [Symbol.dispose]: () => (held--, kept[Symbol.dispose]()) };
    };
    const snapshots = new Snapshots(() => state, ledger, {}, () => {});
    ledger.append([LONG]);
    snapshots.takeWhereDue();
    assert.equal(held, 1, "it is made in pieces");
    if (isLost) pair.die();
    await snapshots.end();
    assert.equal(held, 0, isLost ? "lost" : "made");
    assert.equal(ledger.failure !== undefined, isLost);
  }
});

Deno.test("a full disk gets room from what is beyond retention, and only from that, although no snapshot is made", () => {
  for (const retainMegabytes of [0, 1024]) {
    const storage = memoryStorage();
    using(open(storage), (writer) => {
      for (let i = 0; i < 8; i++) {
        writer.append([LONG]);
        writeSnapshot(writer, [], KEEP_ALL);
      }
    });
    const size = () => [...storage.files.values()].reduce((sum, { length }) => sum + length, 0);
    const room = size();
    const before = storage.names();
    storage.fault = (call) => {
      if ((call === "write" || call === "create") && size() >= room) throw storageError("ENOSPC");
    };
    const pair = new DiskPair(storage);
    const ledger = pair.open();
    assert.ok(typeof ledger !== "string");
    const snapshots = new Snapshots(() => emptyState(), ledger, { retainMegabytes }, () => {});
    const turn = () => {
      ledger.sync();
      pair.work();
      pair.receive();
    };
    ledger.append([{ ...LONG, changes: ["no room"] }]);
    turn();
    assert.match(ledger.failure?.reason ?? "", /^ENOSPC/);
    snapshots.freeRoom();
    turn();
    turn();
    const gone = before.filter((name) => !storage.files.has(name));
    assert.equal(gone.length > 0 && gone.length < before.length, retainMegabytes === 0, gone.join());
    assert.equal(ledger.failure === undefined, retainMegabytes === 0);
    storage.fault = () => {};
    turn();
    assert.equal(ledger.failure, undefined);
    assert.equal([...readLedger(storage)].length > 0, true);
  }
});
