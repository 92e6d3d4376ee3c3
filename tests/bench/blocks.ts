// How long the loop is blocked while large Services are served: the longest time between two turns of the event loop, and the
// longest time that a change of a small Service takes to reach the kernel meanwhile. Each case runs in a process and a network
// namespace of its own.
//
//   deno task bench:blocks [CASE ...]

import { deviations } from "../../src/engine/comparison.ts";
import { type EngineState, newEngine } from "../../src/engine/engine.ts";
import { elementsInPlace } from "../../src/engine/kernel_tables.ts";
import { list, perform } from "../../src/engine/executor.ts";
import type { Ports } from "../../src/engine/ports.ts";
import { runLoop } from "../../src/engine/loop.ts";
import { CONTAINERS, PATHS, TABLE } from "../../src/fold/skeleton.ts";
import { snapshotInSteps, snapshotState } from "../../src/fold/snapshot.ts";
import { isUnfinished } from "../../src/fold/unfinished.ts";
import type { SourceBatch } from "../../src/ingest/source.ts";
import { RulesetMonitor } from "../../src/kernel/ruleset_monitor.ts";
import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import { SERVICE_BOUNDS } from "../../src/kube/bounds.ts";
import { decodeObject } from "../../src/kube/decode.ts";
import type { KubeObject } from "../../src/kube/objects.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import { snapshotPieces } from "../../src/ledger/snapshot.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { diff } from "../../src/plan/delta.ts";
import { imageEntrypoint } from "../support/bundle.ts";
import { largeService, smallServices } from "../support/large_service.ts";
import { appears, vanishes } from "../support/cluster_notation.ts";
import { percentile } from "./percentile.ts";
import { table } from "./table.ts";

/** Large Services as ports x endpoints, and how often each changes in a second. */
interface Case {
  readonly services: readonly (readonly [ports: number, endpoints: number])[];
  readonly affinity?: boolean;
  /** Services of one port and 50 endpoints that one batch of events adds or removes each second. */
  readonly atOnce?: number;
  /** Services of one port and 50 endpoints, half of which a list of all objects adds or removes each second. */
  readonly relisted?: number;
  readonly changesPerSecond: number;
  /** Whether all rules are made first, and then snapshots all the time. */
  readonly snapshots?: boolean;
  /** Whether what the kernel holds is compared all the time. */
  readonly comparisons?: boolean;
  /** How many endpoints another program deletes every two seconds. */
  readonly stolen?: number;
}

const CASES: Readonly<Record<string, Case>> = {
  "2000x1000": { services: [[2000, 1000]], changesPerSecond: 0 },
  "2000x1000-changing": { services: [[2000, 1000]], changesPerSecond: 5 },
  "2000x31": { services: [[2000, 31]], changesPerSecond: 0 },
  "1x4000": { services: [[1, 4000]], changesPerSecond: 1 },
  "1500x40-changing": { services: [[1500, 40]], changesPerSecond: 5 },
  "5 of 600x100": { services: Array.from({ length: 5 }, () => [600, 100] as const), changesPerSecond: 0 },
  "5 of 600x100-changing": {
    services: Array.from({ length: 5 }, () => [600, 100] as const),
    changesPerSecond: 1,
  },
  "4 of 600x100, snapshots": {
    services: Array.from({ length: 4 }, () => [600, 100] as const),
    changesPerSecond: 0,
    snapshots: true,
  },
  "2 of 300x100, comparisons": {
    services: Array.from({ length: 2 }, () => [300, 100] as const),
    changesPerSecond: 0,
    comparisons: true,
  },
  "2 of 300x100, one element stolen": {
    services: Array.from({ length: 2 }, () => [300, 100] as const),
    changesPerSecond: 0,
    stolen: 1,
  },
  "2 of 300x100, 5,000 stolen": {
    services: Array.from({ length: 2 }, () => [300, 100] as const),
    changesPerSecond: 0,
    stolen: 5000,
  },
  "100x50 with affinity-changing": { services: [[100, 50]], changesPerSecond: 5, affinity: true },
  "400x50 with affinity-changing": { services: [[400, 50]], changesPerSecond: 1, affinity: true },
  "200 of 1x50 at once": { services: [], changesPerSecond: 0, atOnce: 200 },
  "2000 of 1x50 at once": { services: [], changesPerSecond: 0, atOnce: 2000 },
  "4000 of 1x50, half in each list": { services: [], changesPerSecond: 0, relisted: 4000 },
};
const SECONDS = 10;
const SMALL = 200;
const SMALL_CHANGES_PER_SECOND = 20;

interface Result {
  readonly name: string;
  /** Milliseconds: by the clock, and in CPU time of the loop's thread. */
  readonly longest: number;
  readonly longestCpu: number;
  readonly p50: number;
  readonly p99: number;
  readonly memory: number;
}

const decoded = (objects: readonly object[]) =>
  objects.map(decodeObject).flatMap((one): KubeObject[] => one.ok ? [one.object] : []);
/** CPU time of the loop's thread in milliseconds (proc_pid_schedstat(5)): other programs and the collector's threads do not count. */
const cpu = () => Number(Deno.readTextFileSync(`/proc/self/task/${Deno.pid}/schedstat`).split(" ")[0]) / 1e6;

/** What a run measures. */
class Clock {
  longest = 0;
  longestCpu = 0;
  readonly latencies: number[] = [];
  /** When the last change of a small Service was due. */
  due = 0;
  #at = 0;
  #cpuAt = 0;

  /** Measures each turn of the event loop from now on; returns what ends that. */
  turns(): () => void {
    [this.#at, this.#cpuAt] = [performance.now(), cpu()];
    const timer = setInterval(() => {
      this.longest = Math.max(this.longest, performance.now() - this.#at);
      this.longestCpu = Math.max(this.longestCpu, cpu() - this.#cpuAt);
      [this.#at, this.#cpuAt] = [performance.now(), cpu()];
    }, 1);
    return () => clearInterval(timer);
  }
}

async function measure(name: string): Promise<Result> {
  const folder = Deno.makeTempDirSync();
  using kernel = new NetlinkKernel();
  using monitor = new RulesetMonitor(TABLE, kernel.port);
  const engine = newEngine();
  const clock = new Clock();
  const { snapshots, comparisons, stolen = 0 } = CASES[name]!;
  {
    using ledger = new LedgerWriter(folderStorage(folder, true), { policy: "interval" });
    const now = () => new Date().toISOString();
    const ports: Ports = {
      kernel,
      ledger,
      ...(stolen > 0 ? { monitor } : {}),
      now,
      report: ({ services }) => {
        const small = services.some((name) => name.startsWith("shop/"));
        if (small) clock.latencies.push(performance.now() - clock.due);
      },
      warn: () => {},
    };
    perform(engine, ports, { kind: "opened", ledger: ledger.ledger });
    const records = [{
      kind: "config",
      time: now(),
      version: "bench",
      nodeName: "",
      bounds: SERVICE_BOUNDS,
    }] as const;
    perform(engine, ports, { kind: "appended", first: ledger.append(records), records });
    perform(engine, ports, list(kernel));
    const ended = snapshots
      ? makeSnapshots(engine, ledger)
      : comparisons
      ? makeComparisons(engine, kernel)
      : stealElements(engine, stolen);
    const source = { description: name, batches: () => batches(CASES[name]!, clock, engine) };
    await runLoop(engine, ports, source, new AbortController().signal);
    ended();
  }
  Deno.removeSync(folder, { recursive: true });
  const { longest, longestCpu, latencies } = clock;
  return {
    ...{ name, longest, longestCpu },
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
    memory: Number(/VmHWM:\s+(\d+) kB/.exec(Deno.readTextFileSync("/proc/self/status"))![1]) * 1024,
  };
}

/** Makes a snapshot after the other, a piece at a time, whenever no step is left; returns what ends that. */
function makeSnapshots({ cluster }: EngineState, { place }: LedgerWriter): () => void {
  let pieces: Generator<string> | undefined;
  let kept: Disposable | undefined;
  let made = 0;
  const timer = setInterval(() => {
    if (pieces === undefined && !isUnfinished(cluster)) {
      const state = snapshotState(cluster);
      kept = state;
      pieces = snapshotPieces(place, snapshotInSteps(state));
    }
    if (pieces?.next().done !== true) return;
    kept?.[Symbol.dispose]();
    pieces = undefined;
    made++;
  }, 5);
  return () => {
    clearInterval(timer);
    console.error(`${made} snapshots were made`);
  };
}

/** Compares what the kernel holds with what was committed, a piece at a time, one comparison after the other; returns what ends that. */
function makeComparisons(engine: EngineState, kernel: NetlinkKernel): () => void {
  let comparison: ReturnType<typeof deviations> | undefined;
  const made = { comparisons: 0, deviations: 0 };
  const timer = setInterval(() => {
    if (isUnfinished(engine.cluster)) return;
    const step = (comparison ??= deviations(engine, kernel)).next();
    if (step.value !== undefined) made.deviations++;
    if (!step.done) return;
    made.comparisons++;
    comparison = undefined;
  }, 5);
  return () => {
    clearInterval(timer);
    console.error(JSON.stringify(made));
  };
}

/** Deletes `count` endpoints of the large Services every two seconds, as another program; returns what ends that. */
function stealElements(engine: EngineState, count: number): () => void {
  if (count === 0) return () => {};
  const set = PATHS.ip.endpoints;
  const container = CONTAINERS.get(set)!;
  const thief = new NetlinkKernel();
  let thefts = 0;
  const timer = setInterval(() => {
    if (isUnfinished(engine.cluster) || !engine.synced) return;
    const held = elementsInPlace(engine.tables).get(set)!.values();
    const elements = held.filter(({ key }) => key.startsWith("10.97.")).take(count).toArray();
    // Rules are put back at once five times a minute (engine/healing.ts).
    const isBack = elements.every((one) => thief.element(set, container, one) !== undefined);
    if (!isBack || thefts === 4) return;
    thief.commit(
      elements.map((element) => ({ verb: "delete", noun: "element", set, container, element }) as const),
    );
    thefts++;
  }, 2000);
  return () => {
    clearInterval(timer);
    thief[Symbol.dispose]();
    const missing = diff(elementsInPlace(engine.tables), engine.cluster.desired).length;
    console.error(`${thefts} thefts; rules are put back: ${missing <= 1}`);
  };
}

/** A list of all Services, then changes at their times. The first batch is not measured: it makes the tables. */
async function* batches(
  {
    services,
    changesPerSecond,
    affinity = false,
    atOnce = 0,
    relisted = 0,
    snapshots = false,
    comparisons = false,
    stolen = 0,
  }: Case,
  clock: Clock,
  { cluster }: EngineState,
): AsyncGenerator<SourceBatch> {
  const large = (less: number) =>
    decoded(
      services.flatMap(([ports, endpoints], i) =>
        largeService(`big/b${i}`, i, ports, endpoints - less, affinity)
      ),
    );
  const many = decoded(
    Array.from({ length: atOnce + relisted }, (_, i) => largeService(`many/m${i}`, 256 + i, 1, 50)).flat(),
  );
  const objects = [...decoded(smallServices(SMALL, 2)), ...large(0)];
  yield listOf(objects);
  while ((snapshots || comparisons || stolen > 0) && isUnfinished(cluster)) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const smallSlices = [3, 4].map((count) => decoded(smallServices(SMALL, count)).filter(isSlice));
  const largeSlices = [1, 2].map((less) => large(less).filter(isSlice));
  const end = clock.turns();
  const begun = performance.now();
  const each = Math.round(SMALL_CHANGES_PER_SECOND / changesPerSecond);
  for (let i = 0; i < SECONDS * SMALL_CHANGES_PER_SECOND; i++) {
    clock.due = begun + i * 1000 / SMALL_CHANGES_PER_SECOND;
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, clock.due - performance.now())));
    yield eventsOf([smallSlices[Math.floor(i / SMALL) & 1]![i % SMALL]!]);
    if (relisted > 0 && i % SMALL_CHANGES_PER_SECOND === 0) {
      const half = many.filter((_, at) => at % 4 < 2 || i / SMALL_CHANGES_PER_SECOND % 2 === 0);
      yield listOf([...decoded(smallServices(SMALL, 3)), ...half]);
    }
    if (atOnce > 0 && i % SMALL_CHANGES_PER_SECOND === 0) {
      const add = i / SMALL_CHANGES_PER_SECOND % 2 === 0;
      yield { kind: "events", events: many.map((one) => add ? appears(one) : vanishes(one)), problems: [] };
    }
    if (i % each === 0) yield eventsOf(largeSlices[Math.floor(i / each) & 1]!);
  }
  end();
}

function eventsOf(objects: readonly KubeObject[]): SourceBatch {
  return { kind: "events", events: objects.map(appears), problems: [] };
}

function listOf(objects: readonly KubeObject[]): SourceBatch {
  return { kind: "list", objects, complete: true, time: new Date().toISOString(), problems: [] };
}

function isSlice({ kind }: KubeObject): boolean {
  return kind === "EndpointSlice";
}

async function inNamespace(name: string): Promise<Result> {
  console.error(`measuring ${name}`);
  const path = new URL(import.meta.url).pathname;
  const flags = imageEntrypoint().filter((flag) => flag.startsWith("--v8-flags="));
  const { success, stdout } = await new Deno.Command("unshare", {
    args: [
      "--net",
      "--",
      Deno.execPath(),
      "run",
      "-A",
      "--no-check",
      "--quiet",
      ...flags,
      path,
      "--one",
      name,
    ],
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`${name} failed`);
  return JSON.parse(new TextDecoder().decode(stdout));
}

if (Deno.args[0] === "--one") console.log(JSON.stringify(await measure(Deno.args[1]!)));
else {
  const results: Result[] = [];
  for (const name of Deno.args.length > 0 ? Deno.args : Object.keys(CASES)) {
    results.push(await inNamespace(name));
  }
  table(
    `${SMALL} small Services, ${SMALL_CHANGES_PER_SECOND} of which change in a second, beside large ones`,
    [
      ["large Services", "longest block", "in CPU time", "change p50", "change p99", "peak memory"],
      ...results.map(({ name, longest, longestCpu, p50, p99, memory }) => [
        name,
        ...[longest, longestCpu, p50, p99].map((value) => `${value.toFixed(1)} ms`),
        `${Math.round(memory / 1e6)} MB`,
      ]),
    ],
  );
}
