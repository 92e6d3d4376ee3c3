// A world that misbehaves by seed: a cluster that changes, a source that lists, drops and repeats, a disk that fails and
// loses what was not synced, a kernel that refuses and that others write to, and an end of the process at any call.

import assert from "node:assert/strict";
import { commitAt } from "../../src/node/held_commit.ts";
import { type Input, newEngine, step } from "../../src/engine/engine.ts";
import { commitBatch, list, OUR_TABLES, perform, type Ports } from "../../src/engine/run_loop.ts";
import { type ClusterState, emptyState } from "../../src/fold/cluster_state.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { CONTAINERS } from "../../src/fold/skeleton.ts";
import { restoredState, type SnapshotLine, snapshotLines } from "../../src/fold/snapshot.ts";
import type { SourceBatch } from "../../src/ingest/source.ts";
import { FakeKernel } from "../../src/kernel/fake_kernel.ts";
import type { CommitReceipt, Kernel } from "../../src/kernel/kernel.ts";
import { KernelRejection } from "../../src/kernel/kernel_rejection.ts";
import { describeKey, type KubeObject, objectKey } from "../../src/kube/objects.ts";
import { readLedger } from "../../src/ledger/reader.ts";
import type { LedgerRecord, Offset } from "../../src/ledger/record.ts";
import { newestSnapshot } from "../../src/ledger/snapshot.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { separated } from "../../src/nft/objects.ts";
import type { Transaction } from "../../src/nft/transaction.ts";
import { diff } from "../../src/plan/delta.ts";
import { POSITION_PATH, positionOf } from "../../src/plan/position.ts";
import { service, slice } from "../support/cluster_notation.ts";
import { meaning } from "../support/meaning.ts";
import { type MemoryStorage, memoryStorage, storageError } from "../support/memory_storage.ts";

const TIME = "2026-11-23T09:26:10.000Z";
const STEPS = 60;
const ENOMEM = 12;
const KEEP_ALL = { bytes: Infinity, milliseconds: Infinity };
const CONFIG = { kind: "config", time: TIME, version: "0", nodeName: "node-a" } as const;

/** The process ends here, whatever it was doing. */
class Killed extends Error {}

/** Numbers that follow from a seed (mulberry32). */
class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0 to `end` - 1. */
  below(end: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % end;
  }

  /** True once in `n` times. */
  once(n: number): boolean {
    return this.below(n) === 0;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }
}

/** The kernel of a node: refuses when it is told to, and may end the process before or after a commit. */
class UnreliableKernel implements Kernel {
  readonly kernel = new FakeKernel();
  refusals = 0;
  onCall: () => void = () => {};

  commit(transaction: Transaction): CommitReceipt {
    this.onCall();
    if (this.refusals > 0) {
      this.refusals--;
      throw new KernelRejection(null, ENOMEM, "for a test");
    }
    const receipt = this.kernel.commit(transaction);
    this.onCall();
    return receipt;
  }

  list = (...args: Parameters<Kernel["list"]>) => this.kernel.list(...args);
  tables = () => this.kernel.tables();
  generation = () => this.kernel.generation();
  [Symbol.dispose]() {}
}

/** One run; throws when a promise is broken. */
export function simulate(seed: number): void {
  new World(seed).run();
}

class World {
  readonly #chance: Chance;
  /** What the API server knows. */
  readonly #cluster = new Map<string, KubeObject>();
  /** Whether the source has kept something from us since its last list. */
  #missed = false;
  /** Whether another program has written to our tables, unheard. */
  #disturbed = false;
  /** Generation of the kernel that it last made. */
  #disturbedAt = -1;
  #storage: MemoryStorage = memoryStorage();
  #kernel = new UnreliableKernel();
  #process: Process;
  /** Calls until the process is killed. */
  #life = Infinity;
  #failing = new Set<string>();
  /** Records that were durable once, as text. */
  #durable: string[] = [];

  constructor(seed: number) {
    this.#chance = new Chance(seed);
    this.#process = this.#start();
  }

  run(): void {
    for (let step = 0; step < STEPS; step++) {
      this.#life = this.#chance.once(6) ? 1 + this.#chance.below(12) : Infinity;
      try {
        this.#act();
        this.#check();
      } catch (error) {
        if (!(error instanceof Killed)) throw error;
        this.#restart();
      }
    }
    this.#converge();
  }

  #act(): void {
    const actions = [
      () => this.#watch(),
      () => this.#watch(),
      () => this.#watch(),
      () => this.#list(),
      () => this.#incompleteList(),
      () => this.#disturb(),
      () => this.#hear(),
      () => void (this.#kernel.refusals = 1 + this.#chance.below(4)),
      () => this.#failDisk(),
      () => void this.#failing.clear(),
      () => this.#process.ledger.sync(),
      () => this.#process.ledger.snapshot(snapshotLines(this.#process.engine.cluster), KEEP_ALL, 0),
      () => this.#end(),
    ];
    this.#chance.pick(actions)();
    const { ledger } = this.#process;
    if (this.#chance.once(3)) ledger.sync();
    // With policy `interval` a sync without failure means that all is on the disk.
    if (ledger.synced) this.#durable = this.#records();
  }

  /** A watch: changes as they happen; some twice, some not at all, in any order that keeps that of each object. */
  #watch(): void {
    const events = Array.from({ length: 1 + this.#chance.below(4) }, () => this.#change());
    const told = events.flatMap((event) => this.#chance.once(5) ? [event, event] : [event]);
    const kept = told.filter(() => {
      const drops = this.#chance.once(12);
      this.#missed ||= drops;
      return !drops;
    });
    this.#tell({ kind: "events", events: kept, problems: [] });
  }

  #list(): void {
    const objects = [...this.#cluster.values()];
    const list = { kind: "list", objects, complete: true, time: TIME, problems: [] } as const;
    const isTold = () => this.#chance.once(2);
    if (this.#chance.once(3)) {
      this.#tell({ ...list, objects: objects.filter(isTold), complete: false, part: true });
    }
    this.#tell(list);
    this.#missed = false;
  }

  #incompleteList(): void {
    const objects = [...this.#cluster.values()].filter(() => this.#chance.once(2));
    this.#tell({ kind: "list", objects, complete: false, time: TIME, problems: ["cut"] });
  }

  #tell(batch: SourceBatch): void {
    perform(this.#process.engine, this.#process.ports, { kind: "batch", batch });
    commitBatch(this.#process.engine, this.#process.ports);
  }

  /** Something happens in the cluster. */
  #change() {
    const name = `shop/s${this.#chance.below(4)}`;
    const isService = this.#chance.once(3);
    const ports = this.#chance.pick(["http:80/tcp", "http:80/tcp dns:53/udp"]);
    const endpoints = Array.from(
      { length: this.#chance.below(5) },
      () => `10.244.0.${1 + this.#chance.below(6)}`,
    );
    const object: KubeObject = isService
      ? service(
        `${name} 10.96.0.${name.at(-1)} ${ports}`,
        undefined,
        this.#chance.once(4) ? { sessionAffinity: "ClientIP" } : {},
      )
      : slice(`${name}-a http:8080/tcp dns:53/udp ${[...new Set(endpoints)].join(" ")}`);
    const key = objectKey(object);
    const value = this.#chance.once(5) ? null : object;
    if (value === null) this.#cluster.delete(describeKey(key));
    else this.#cluster.set(describeKey(key), value);
    return { key, value, resourceVersion: "", time: TIME };
  }

  /** Another program writes to our tables; we may hear of it later. */
  #disturb(): void {
    const { kernel } = this.#kernel;
    const tables = kernel.tables();
    if (tables.length === 0) return;
    const { family, name } = this.#chance.pick(tables);
    const elements = [...kernel.list(OUR_TABLES).elements].flatMap(([set, keyed]) =>
      set === POSITION_PATH ? [] : [...keyed.values()].map((element) => ({ set, element }))
    );
    const one = elements.length > 0 && this.#chance.once(2) ? this.#chance.pick(elements) : undefined;
    kernel.commit([
      one === undefined
        ? { verb: "delete", noun: "table", family, table: name }
        : { verb: "delete", noun: "element", container: CONTAINERS.get(one.set)!, ...one },
    ]);
    this.#disturbed = true;
    this.#disturbedAt = kernel.generation();
  }

  /** The monitor's word, or an audit: what {@link Healer} does. */
  #hear(): void {
    const { engine, ports } = this.#process;
    const drift = {
      process: "nft",
      pid: 1,
      changes: ["delete table"],
      response: "rules are put back",
      time: TIME,
    };
    perform(engine, ports, { kind: "drift", ...drift });
    perform(engine, ports, list(ports.kernel));
    commitBatch(engine, ports);
    if (engine.rejections === 0) this.#disturbed = false;
  }

  #failDisk(): void {
    const calls = ["write", "sync", "create", "truncate", "syncFolder"];
    this.#failing = new Set(calls.filter(() => this.#chance.once(2)));
  }

  /** The process ends as it should, or the power goes with it. */
  #end(): void {
    if (this.#chance.once(2)) throw new Killed();
    this.#process.ledger[Symbol.dispose]();
    throw new Killed();
  }

  /** What is on the disk stays; without power, of what was not synced only a part, and the kernel is empty. */
  #restart(): void {
    const power = this.#chance.once(3);
    const left = memoryStorage(this.#storage.files);
    for (const [name, bytes] of this.#storage.files) {
      const synced = this.#storage.synced.get(name) ?? 0;
      const keep = synced + this.#chance.below(bytes.length - synced + 1);
      if (power) left.files.set(name, bytes.slice(0, keep));
      left.synced.set(name, Math.min(synced, bytes.length));
    }
    this.#storage = left;
    if (power) {
      this.#kernel = new UnreliableKernel();
      this.#disturbed = false;
      this.#disturbedAt = -1;
    }
    this.#failing.clear();
    this.#kernel.refusals = 0;
    this.#life = Infinity;
    const before = this.#durable;
    const untouched = this.#kernel.generation() !== this.#disturbedAt;
    this.#process = this.#start();
    assert.ok(untouched || this.#process.listed, "what others did since our last commit is seen at once");
    const now = this.#records();
    assert.deepEqual(
      now.slice(0, before.length),
      before,
      "what was durable is there, and nothing else in its place",
    );
    // A watch begins again with a list; the API server may be away for a while.
    this.#missed = true;
    // Where it was not asked, what was done to it before our last commit is found later, by an audit.
    this.#disturbed &&= !this.#process.listed;
  }

  #start(): Process {
    this.#storage.fault = (call) => {
      this.#count();
      if (this.#failing.has(call)) throw storageError("EIO");
    };
    this.#kernel.onCall = () => this.#count();
    return new Process(this.#kernel, this.#storage);
  }

  #count(): void {
    if (--this.#life <= 0) throw new Killed();
  }

  #records(): string[] {
    return [...readLedger(this.#storage)].map(({ record }) => JSON.stringify(record));
  }

  /** What holds at every moment: the mirror is the kernel, and a reader finds what was written. */
  #check(): void {
    const { engine, ledger } = this.#process;
    // Tables that are to be made anew hold nothing that counts.
    if (!this.#disturbed && engine.rebuild === undefined) {
      const held = separated(this.#kernel.list(OUR_TABLES));
      assert.deepEqual(
        diff(engine.committed, held.elements),
        [],
        "the committed mirror is what the kernel holds",
      );
    }
    if (ledger.failure === undefined) assert.equal(this.#records().length, ledger.next);
  }

  /** All faults end: then the kernel is what the ledger says, and the ledger what the cluster is. */
  #converge(): void {
    this.#life = Infinity;
    this.#failing.clear();
    this.#kernel.refusals = 0;
    if (this.#chance.once(2)) this.#restart();
    this.#list();
    this.#hear();
    const { ledger, engine } = this.#process;
    ledger.sync();
    assert.equal(ledger.failure, undefined);
    assert.deepEqual([engine.rejections, engine.cluster.aside.size], [0, 0]);
    const state = emptyState();
    for (const { offset, record } of readLedger(this.#storage)) foldRecord(state, offset, record);
    const held = separated(this.#kernel.list(OUR_TABLES));
    const differs = diff(state.desired, held.elements).filter(({ set }) => set !== POSITION_PATH);
    assert.deepEqual(differs, [], "kernel = fold(ledger)");
    assert.deepEqual(meaning(state.desired), meaning(this.#truth().desired), "fold(ledger) = the cluster");
  }

  #truth(): ClusterState {
    const state = emptyState();
    foldRecord(state, 0 as Offset, CONFIG);
    [...this.#cluster.values()].forEach((value, i) => {
      foldRecord(state, i + 1 as Offset, {
        kind: "event",
        key: objectKey(value),
        value,
        resourceVersion: "",
        time: TIME,
      });
    });
    return state;
  }
}

/** The program from its start to its end. */
class Process {
  readonly engine;
  readonly ledger;
  readonly ports: Ports;
  /** Whether the start asked the kernel what it holds. */
  readonly listed: boolean;

  constructor(kernel: Kernel, storage: MemoryStorage) {
    const snapshot = newestSnapshot<SnapshotLine>(storage);
    const engine = newEngine(snapshot && restoredState(snapshot.lines));
    const ledger = new LedgerWriter(storage, {
      policy: "interval",
      segmentBytes: 4000,
      ...(snapshot === undefined ? {} : { behind: snapshot }),
      onRecord: (first, record) => void step(engine, { kind: "appended", first, records: [record] }),
    });
    this.engine = engine;
    this.ledger = ledger;
    this.ports = { kernel, ledger, now: () => TIME, report: () => {}, warn: () => {} };
    perform(engine, this.ports, { kind: "opened", ledger: ledger.ledger });
    if (ledger.next === 0) this.#append([CONFIG]);
    perform(engine, this.ports, standing(kernel, storage));
    this.listed = engine.listed;
    commitBatch(engine, this.ports);
  }

  #append(records: readonly LedgerRecord[]): void {
    perform(this.engine, this.ports, { kind: "appended", first: this.ledger.append(records), records });
  }
}

/** What a start finds in the kernel: where nobody has committed since the ledger's last commit, it need not ask. */
function standing(kernel: Kernel, storage: MemoryStorage): Input {
  const found = list(kernel, TIME);
  const position = found.kind === "listed" ? positionOf(found.ruleset.elements) : undefined;
  const held = position && commitAt(storage, position);
  return held?.generation === kernel.generation() ? { kind: "untouched", position: held.position } : found;
}
