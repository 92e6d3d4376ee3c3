// One size of the bench: builds a cluster of N Services with M endpoints each, loads it, changes it, and prints a
// Sample as JSON.

import { OUR_TABLES } from "../../src/engine/kernel_tables.ts";
import { emptyState } from "../../src/fold/cluster_state.ts";
import { noChanges } from "../../src/fold/fold_changes.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { restoredState, type SnapshotLine, snapshotLines } from "../../src/fold/snapshot.ts";
import { CONTAINERS, skeleton } from "../../src/fold/skeleton.ts";
import { DEFAULT_PROXY_CONFIG } from "../../src/kube/proxy_config.ts";
import { knownObjects, relist } from "../../src/ingest/relist.ts";
import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import type { EventRecord, Offset } from "../../src/ledger/record.ts";
import { newestSnapshot } from "../../src/ledger/snapshot.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import { writeSnapshot } from "../../src/ledger/snapshot_writer.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { separated } from "../../src/nft/objects.ts";
import { createTable } from "../../src/nft/transaction.ts";
import { applyDelta, deltaFromNothing, type MutableElements } from "../../src/plan/delta.ts";
import {
  advanceDigest,
  type Digest,
  digestText,
  rulesetDigest,
  tablesDigest,
} from "../../src/plan/digest.ts";
import { elementOperations, plan } from "../../src/plan/plan.ts";
import { POSITION_PATH, positionElement } from "../../src/plan/position.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";
import { percentile } from "./percentile.ts";

/** The costs at one size. Times in milliseconds, those of `change` and `newService` in microseconds. */
export interface Sample {
  readonly services: number;
  readonly endpoints: number;
  readonly fold: number;
  readonly plan: number;
  readonly render: number;
  readonly commit: number;
  readonly append: number;
  /** From a snapshot to the state, and its comparison with every element in the kernel. */
  readonly restart: number;
  readonly bytes: number;
  readonly peakMemory: number;
  readonly change: { operations: number; bytes: number; plan: number; p50: number; p99: number };
  readonly newService: { operations: number; p50: number };
}

const ROUNDS = 300;

/** Endpoints of a slice, as the controller of Kubernetes makes them (--max-endpoints-per-slice). */
const SLICE = 100;

/** Service number `i` and its slices of `endpoints`; `generation` changes the last of them. */
function records(i: number, endpoints: number, generation = 0): [EventRecord, ...EventRecord[]] {
  const name = `ns-${i % 100}/svc-${i}`;
  const ip = `10.${96 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`;
  const pod = (n: number) => `10.${128 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`;
  const pods = Array.from({ length: endpoints }, (_, n) => pod(endpoints * i + n));
  if (generation > 0) pods[endpoints - 1] = `10.200.${generation >> 8}.${generation & 255}`;
  const slices = Array.from({ length: Math.ceil(endpoints / SLICE) }, (_, part) => {
    const own = pods.slice(part * SLICE, (part + 1) * SLICE);
    return appears(slice(`${name}-x${part} http:8080/tcp ${own.join(" ")}`));
  });
  return [appears(service(`${name} ${ip} http:80/tcp`)), ...slices];
}

/** The records in the order in which a start has them in its ledger: first all slices, then all Services. */
function inOrderOfLists(made: readonly EventRecord[]): EventRecord[] {
  const [first] = made;
  const events = relist(knownObjects([]), {
    objects: made.flatMap(({ value }) => value ?? []),
    complete: true,
    time: first!.time,
  });
  return events.map((event) => ({ kind: "event", ...event }));
}

const timed = <T>(work: () => T): [T, number] => {
  const start = performance.now();
  const result = work();
  return [result, performance.now() - start];
};

/** The steps of the engine for one sync, each timed. */
class Line {
  readonly kernel = new NetlinkKernel();
  readonly tables = skeleton(DEFAULT_PROXY_CONFIG);
  readonly state = emptyState();
  readonly committed: MutableElements = new Map();
  #digest: Digest = tablesDigest(this.tables);
  #offset = 0;
  #changes = noChanges(false);

  get digest(): string {
    return digestText(this.#digest);
  }

  fold(events: readonly EventRecord[]): void {
    for (const event of events) foldRecord(this.state, this.#offset++ as Offset, event, this.#changes);
  }

  /** The first plan commits every element, as the engine's does. */
  plan(first: boolean) {
    const changes = first
      ? deltaFromNothing(this.state.desired)
      : plan(this.committed, this.state.desired, this.#changes.touched);
    this.#changes = noChanges();
    this.#digest = advanceDigest(this.#digest, changes);
    const after = positionElement({
      ledger: "0".repeat(16),
      offset: this.#offset - 1,
      digest: digestText(this.#digest),
    });
    const before = this.committed.get(POSITION_PATH)?.get(after.key);
    const position = { set: POSITION_PATH, key: after.key, before, after };
    const skeleton = first ? this.tables.flatMap(createTable) : [];
    const transaction = [
      ...skeleton,
      ...elementOperations(changes, CONTAINERS),
      ...elementOperations([position], CONTAINERS),
    ];
    return { transaction, delta: [...changes, position] };
  }
}

function measure(services: number, endpoints: number): Sample {
  const made = Array.from({ length: services }, (_, i) => records(i, endpoints)).flat();
  const events = inOrderOfLists(made);
  const line = new Line();
  const [, fold] = timed(() => line.fold(events));
  const [{ transaction, delta }, planned] = timed(() => line.plan(true));
  const receipt = line.kernel.commit(transaction);
  applyDelta(line.committed, delta);
  const peakMemory = peakResidentBytes();
  const { append, restart } = ledgerTimes(events, line);
  const rounds = (make: (round: number) => EventRecord[]) =>
    Array.from({ length: ROUNDS }, (_, round) => {
      const events = make(round + 1);
      const [{ transaction, delta }, milliseconds] = timed(() => {
        line.fold(events);
        return line.plan(false);
      });
      const receipt = line.kernel.commit(transaction);
      applyDelta(line.committed, delta);
      return { ...receipt, plan: milliseconds * 1000 };
    });
  const changes = rounds((round) => [records(Math.floor(services / 2), endpoints, round).at(-1)!]);
  const created = rounds((round) => records(services + round, endpoints));
  return {
    services,
    endpoints,
    fold,
    plan: planned,
    render: receipt.renderMicroseconds / 1000,
    commit: receipt.microseconds / 1000,
    append,
    restart,
    bytes: receipt.bytes,
    peakMemory,
    change: {
      operations: changes.at(-1)!.operations,
      bytes: changes.at(-1)!.bytes,
      plan: percentile(changes.map(({ plan }) => plan), 0.5),
      p50: percentile(changes.map(({ microseconds }) => microseconds), 0.5),
      p99: percentile(changes.map(({ microseconds }) => microseconds), 0.99),
    },
    newService: {
      operations: created.at(-1)!.operations,
      p50: percentile(created.map(({ microseconds }) => microseconds), 0.5),
    },
  };
}

/** Time to append all events to a ledger on disk and sync it, and to start from its snapshot. */
function ledgerTimes(events: readonly EventRecord[], { state, kernel, digest }: Line) {
  const folder = Deno.makeTempDirSync();
  const storage = folderStorage(folder, true);
  const [, append] = timed(() => {
    using ledger = new LedgerWriter(storage, { policy: "interval" });
    for (let at = 0; at < events.length; at += 1000) ledger.append(events.slice(at, at + 1000));
  });
  {
    using ledger = new LedgerWriter(storage, { policy: "interval" });
    writeSnapshot(ledger, snapshotLines(state), { bytes: Infinity, milliseconds: Infinity });
  }
  const [same, restart] = timed(() => {
    const restored = restoredState(newestSnapshot<SnapshotLine>(storage)!.lines);
    const { tables, elements } = separated(kernel.list(OUR_TABLES));
    const listed = digestText(rulesetDigest(tables, elements));
    return listed === digest && plan(elements, restored.desired, restored.causes).length === 0;
  });
  if (!same) throw new Error("the kernel does not hold what the ledger says");
  Deno.removeSync(folder, { recursive: true });
  return { append, restart };
}

/** VmHWM of this process (proc(5)), in bytes. */
function peakResidentBytes(): number {
  return Number(/VmHWM:\s+(\d+) kB/.exec(Deno.readTextFileSync("/proc/self/status"))![1]) * 1024;
}

const [services, endpoints = 2] = Deno.args[0]!.split("x").map(Number) as [number, number?];
console.log(JSON.stringify(measure(services, endpoints)));
