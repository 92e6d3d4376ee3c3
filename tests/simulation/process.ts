// The program from its start to its end, in virtual time: ledger, engine, loop, healer and reflectors, assembled as in `run`.

import assert from "node:assert/strict";
import { type Input, newEngine, stepEngine } from "../../src/engine/engine.ts";
import { isListed } from "../../src/engine/kernel_tables.ts";
import { commitBatch, list, perform } from "../../src/engine/executor.ts";
import type { Ports } from "../../src/engine/ports.ts";
import { knownVersions } from "../../src/engine/engine_state.ts";
import {
  newRunningProxy,
  notice,
  type RunningProxy,
  takeBatch,
  wake,
  wakeAt,
} from "../../src/engine/running_proxy.ts";
import { restoredState, type SnapshotLine, snapshotLines } from "../../src/fold/snapshot.ts";
import { isUnfinished } from "../../src/fold/unfinished.ts";
import type { Now } from "../../src/ingest/reflector_state.ts";
import type { Kernel } from "../../src/kernel/kernel.ts";
import { describeKey, type KubeObject, type ObjectKind } from "../../src/kube/objects.ts";
import type { LedgerRecord } from "../../src/ledger/record.ts";
import { newestSnapshot } from "../../src/ledger/snapshot.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { MemoryLedger } from "../../src/ledger/memory_ledger.ts";
import { RemoteLedger } from "../../src/ledger/remote_ledger.ts";
import type { RecordGap } from "../../src/engine/input.ts";
import { commitAt } from "../../src/node/held_commit.ts";
import { positionOf } from "../../src/plan/position.ts";
import type { MemoryStorage } from "../support/memory_storage.ts";
import type { Disk } from "./disk.ts";
import { SimulatedWriter } from "./ledger_writer.ts";
import { Client } from "./client.ts";
import type { Arrival } from "./connections.ts";
import { EARLIER, GHOST } from "./faulty_answers.ts";
import type { FaultCounts } from "./faults.ts";
import type { UnreliableKernel } from "./kernel.ts";
import type { Server } from "./server.ts";

const KEEP_ALL = { bytes: Infinity, milliseconds: Infinity };
const SEGMENT_BYTES = 20_000;
/** Bytes of records that may wait for the disk beside the largest turn. The program's bound is far more than a portion of a list. */
const WAITING_BYTES_MAX = 16_000;
/** For each object of the cluster: else a list would be written in so many pieces that the last one comes too late. */
const WAITING_BYTES_EACH = 100;
/** The beginning of virtual time. */
const WALL = Date.parse("2026-11-23T09:00:00.000Z");

/** The first record of a ledger. */
export const CONFIG = {
  kind: "config",
  time: "2026-11-23T09:00:00.000Z",
  version: "0",
  nodeName: "node-a",
  bounds: { most: 9, large: 6, step: 4, burst: { small: 2, most: 3, first: 7 } },
} as const;

/** A time by both clocks, from virtual time. */
export function moment(at: number): Now {
  return { at, time: new Date(WALL + at).toISOString() };
}

export class Process {
  readonly engine;
  readonly ledger: RemoteLedger | MemoryLedger;
  readonly writer: SimulatedWriter | undefined;
  readonly running: RunningProxy;
  readonly client: Client;
  /** Whether the start listed the kernel's tables. */
  readonly listed: boolean;
  readonly #toConfirm: [ObjectKind, string][] = [];
  #now: number;

  constructor(
    kernel: UnreliableKernel,
    readonly disk: Disk,
    readonly server: Server,
    shared: boolean,
    now: number,
    gap: RecordGap | undefined,
    readonly counts: FaultCounts,
  ) {
    this.#now = now;
    const { storage } = disk;
    const hangs = now < disk.hangsUntil;
    const snapshot = hangs ? undefined : newestSnapshot<SnapshotLine>(storage);
    const engine = newEngine(snapshot && restoredState(snapshot.lines));
    this.engine = engine;
    this.writer = hangs ? undefined : new SimulatedWriter(disk, server.chance, () => this.#now, {
      policy: "interval",
      segmentBytes: SEGMENT_BYTES,
      waitingMax: Math.max(WAITING_BYTES_MAX, WAITING_BYTES_EACH * server.cluster.objects.size),
      ...(snapshot === undefined ? {} : { behind: snapshot }),
      onRecord: (first, record) => void stepEngine(engine, { kind: "appended", first, records: [record] }),
    });
    this.ledger = this.writer?.open() ?? new MemoryLedger(() => "the disk hangs");
    const ports = this.#ports(kernel);
    perform(engine, ports, { kind: "opened", ledger: this.ledger.ledger, ...!hangs && gap && { gap } });
    if (engine.cluster.node.name === "") {
      const first = this.ledger.append([CONFIG]);
      perform(engine, ports, { kind: "appended", first, records: [CONFIG] });
    }
    const started = gap?.committed ? undefined : moment(now).time;
    perform(engine, ports, hangs ? list(kernel, started) : standing(kernel, storage, started));
    this.listed = isListed(engine.tables);
    commitBatch(engine, ports);
    this.running = newRunningProxy(engine, ports, now);
    const seed = server.chance.below(2 ** 30);
    this.client = new Client(server, server.resources, knownVersions(engine), shared, seed, moment(now));
  }

  wakeAt(): number {
    return Math.min(wakeAt(this.running), this.client.wakeAt(), this.writer?.wakeAt() ?? Infinity);
  }

  /** What is not in the ledger, where the loop is to start again to continue it. */
  get gap(): RecordGap | undefined {
    const { writer, ledger, disk, engine } = this;
    const reopens = writer === undefined || writer.reopens;
    const { omission } = ledger;
    if (!reopens || this.#now < disk.hangsUntil || omission === undefined) return undefined;
    const { reason, records } = omission;
    const committed = engine.committedOffset >= ledger.next - records;
    return { time: moment(this.#now).time, reason, records, committed };
  }

  wake(now: number): void {
    this.#now = now;
    if ((this.writer?.wakeAt() ?? Infinity) <= now) this.writer!.wake();
    this.#beginTurn();
    wake(this.running, now);
    if (this.client.wakeAt() <= now) this.client.wake(moment(now));
    this.#takeAll();
  }

  receive(id: number, arrival: Arrival, now: number): void {
    this.#now = now;
    this.client.receive(id, arrival, moment(now));
    this.#takeAll();
  }

  /** Whether every record is durable. */
  get synced(): boolean {
    const { ledger } = this;
    return ledger instanceof RemoteLedger && ledger.omission === undefined && ledger.durable === ledger.next;
  }

  /** Writes a snapshot, as the program does from time to time. */
  snapshot(): void {
    if (isUnfinished(this.engine.cluster)) return;
    const { ledger } = this;
    if (!(ledger instanceof RemoteLedger) || ledger.failure !== undefined) return;
    for (const piece of ledger.beginSnapshot(snapshotLines(this.engine.cluster))) ledger.sendPiece(piece);
    ledger.endSnapshot(KEEP_ALL);
  }

  #takeAll(): void {
    for (const batch of this.client.take()) {
      this.#beginTurn();
      takeBatch(this.running, batch, this.#now);
      if (batch.kind !== "list" || !batch.complete) continue;
      this.#checkGhosts(batch.kinds![0]!);
      this.#checkValues(batch.objects);
    }
    for (const [kind, why] of this.#toConfirm.splice(0)) this.client.confirm(kind, why, moment(this.#now));
  }

  /** As `runLoop` before each batch, and before it is woken. */
  #beginTurn(): void {
    if (this.ledger instanceof RemoteLedger) this.ledger.ready();
  }

  #ports(kernel: UnreliableKernel): Ports {
    return {
      kernel,
      ledger: watched(this.ledger, (records) => {
        this.#checkDeletions(records);
        records.forEach((record) => this.#countCommit(record));
      }),
      monitor: kernel.listen(() => notice(this.running, this.#now)),
      now: () => moment(this.#now).time,
      confirm: (kind, why) => void this.#toConfirm.push([kind, why]),
      report: () => {},
      warn: (text) => {
        if (text.includes("aside until it changes: too large")) this.counts.fired("Service above the bound");
      },
    };
  }

  #countCommit(record: LedgerRecord): void {
    if (record.kind !== "commit") return;
    if (record.left) this.counts.fired("batch that leaves changes for later");
    if (record.advances) this.counts.fired("step of large Services' rules");
  }

  /** Asserts that objects that were deleted before the end of a list are not known after it. */
  #checkGhosts(kind: ObjectKind): void {
    const { held, cluster } = this.engine;
    if (held.has(kind)) return;
    for (const { kind: of, metadata } of cluster.objects.values()) {
      assert.ok(
        of !== kind || metadata.uid !== GHOST,
        `${kind} ${metadata.name} was deleted inside its list`,
      );
    }
  }

  /** Asserts that a whole list has no value that changed before its end. */
  #checkValues(objects: readonly KubeObject[]): void {
    for (const { kind, metadata } of objects) {
      assert.ok(metadata.resourceVersion !== EARLIER, `${kind} ${metadata.name} is out of date in its list`);
    }
  }

  /** Asserts that no object is deleted that the server never deleted. */
  #checkDeletions(records: readonly LedgerRecord[]): void {
    for (const record of records) {
      if (record.kind !== "event" || record.value !== null) continue;
      const uid = this.engine.cluster.objects.get(describeKey(record.key))?.metadata.uid ?? GHOST;
      const deleted = uid === GHOST || this.server.cluster.deleted.has(uid);
      assert.ok(deleted, `${describeKey(record.key)} is deleted, which the server never did`);
    }
  }
}

/** `ledger`, with `look` called before each append. */
function watched(ledger: Ledger, look: (records: readonly LedgerRecord[]) => void): Ledger {
  const append = ledger.append.bind(ledger);
  ledger.append = (records) => {
    look(records);
    return append(records);
  };
  return ledger;
}

/** What a start knows of the kernel. If no program committed since the ledger's last commit, it need not list the tables. */
function standing(kernel: Kernel, storage: MemoryStorage, time: string | undefined): Input {
  const found = list(kernel, time);
  const position = found.kind === "listed" ? positionOf(found.ruleset.elements) : undefined;
  const held = position && commitAt(storage, position);
  return held?.generation === kernel.generation() ? { kind: "untouched", position: held.position } : found;
}
