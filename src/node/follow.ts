// One life of the loop, once its rules are in place: follows the source, the configuration file and the Services' health
// check ports, and makes snapshots, until the source ends, the process is asked to stop, or a fault ends it.

import type { EngineState } from "../engine/engine.ts";
import { commitBatch, perform, type Ports } from "../engine/run_loop.ts";
import { runLoop } from "../engine/running.ts";
import { snapshotLines, snapshotState } from "../fold/snapshot.ts";
import type { ApiClient } from "../ingest/api_client.ts";
import { isPart, type Source, type SourceBatch } from "../ingest/source.ts";
import type { LedgerRecord } from "../ledger/record.ts";
import type { Retention } from "../ledger/retention.ts";
import { writeSnapshot, writeSnapshotInSteps } from "../ledger/snapshot_writer.ts";
import type { LedgerWriter } from "../ledger/writer.ts";
import { SNAPSHOT_MILLISECONDS, SNAPSHOT_STOP_BYTES, SNAPSHOT_TAIL_BYTES } from "../limits.ts";
import type { Settings } from "./config.ts";
import { watchConfig } from "./config_watch.ts";
import type { Faults } from "./faults.ts";
import { MemoryRelease } from "./free_memory.ts";
import { guardedSource } from "./guarded_source.ts";
import { log } from "./log.ts";
import { progress } from "./progress.ts";
import type { RunOptions } from "./run.ts";
import { followed, type Served, type Serving } from "./serving.ts";
import { configRecord, isConfigured } from "./start.ts";

/** So long the loop must have run, or one batch, and the fault before counts as over. */
const SETTLED_MILLISECONDS = 10_000;

/** The process: what outlives a restart in place. */
export interface Process {
  readonly options: RunOptions;
  /** As last read: a changed file may have changed it. */
  inForce: Settings;
  readonly client: ApiClient | undefined;
  readonly served: Served;
  readonly faults: Faults;
  readonly stop: AbortController;
  /** Absent until rules are in place for the first time. */
  serving?: Serving;
}

/** What one life of the loop follows. */
export interface Following {
  readonly source: Source;
  readonly ports: Ports;
  /** Aborts when a fault may have left the engine between two states. */
  readonly broken: AbortSignal;
}

/** Follows the source until it ends, the process is asked to stop, or a changed configuration needs another. */
export async function follow(process: Process, { source, ports, broken }: Following): Promise<number> {
  const { options, served, stop, faults } = process;
  const { engine, metrics } = served;
  const { ledger } = ports;
  const serving = process.serving!;
  let restart = false;
  using resources = new DisposableStack();
  resources.use(watchConfig(options, process.inForce, {
    apply(now) {
      log.info(`${options.config} has changed: taken over`);
      process.inForce = now;
      try {
        configure(engine, ports, now);
        commitBatch(engine, ports);
      } catch (error) {
        faults.note("loop", error);
      }
      serving.follow();
    },
    restart() {
      log.warn(`${options.config} has changed beyond the rules: ending, to be started again`);
      restart = true;
      stop.abort();
    },
  }));
  const settled = () => served.brokenSince = undefined;
  const settling = setTimeout(settled, SETTLED_MILLISECONDS);
  resources.defer(() => clearTimeout(settling));
  const load = resources.use(new MemoryRelease());
  const snapshots = new Snapshots(process, ports.ledger);
  const reading = progress("records in the ledger, while the cluster is read");
  const afterBatch = (batch: SourceBatch) => {
    if (isPart(batch)) return reading(ledger.next);
    settled();
    serving.follow();
    snapshots.takeWhereDue();
    load.noteLoad(batch.kind === "list" ? batch.objects.length : batch.events.length);
  };
  serving.follow();
  const beforeBatch = (batch: SourceBatch) => {
    // What a fault may have left half-way takes no more.
    broken.throwIfAborted();
    if (!isPart(batch)) metrics.kubeProxy.noteQueued();
  };
  const signal = AbortSignal.any([stop.signal, broken]);
  const believed = process.inForce.source === undefined
    ? source
    : guardedSource(source, () => engine.cluster.objects, options);
  await runLoop(engine, ports, followed(believed, beforeBatch, afterBatch), signal);
  broken.throwIfAborted();
  await snapshots.end();
  return restart ? 1 : summary(engine);
}

/** The snapshots of one life of the loop. */
class Snapshots {
  #last = Date.now();
  #running: Promise<void> | undefined;

  constructor(readonly process: Pick<Process, "options" | "served">, readonly ledger: LedgerWriter) {}

  /** Begins one where it is due; it is made in small steps between batches. */
  takeWhereDue(): void {
    const { tailBytes } = this.ledger;
    const due = tailBytes > SNAPSHOT_TAIL_BYTES || Date.now() - this.#last > SNAPSHOT_MILLISECONDS;
    if (!due || this.#running !== undefined) return;
    this.#last = Date.now();
    const lines = snapshotLines(snapshotState(this.process.served.engine.cluster));
    this.#running = writeSnapshotInSteps(this.ledger, lines, retention(this.process.options))
      .finally(() => this.#running = undefined);
  }

  /** Waits for the one that is being made; makes the last one. */
  async end(): Promise<void> {
    await this.#running;
    if (this.ledger.tailBytes <= SNAPSHOT_STOP_BYTES) return;
    const { served, options } = this.process;
    writeSnapshot(this.ledger, snapshotLines(served.engine.cluster), retention(options));
  }
}

/** Appends a record that the engine did not ask for. */
export function appendRecord(engine: EngineState, ports: Ports, record: LedgerRecord): void {
  perform(engine, ports, { kind: "appended", first: ports.ledger.append([record]), records: [record] });
}

/** Puts the configuration into the ledger, where it is another than the ledger knows. */
export function configure(engine: EngineState, ports: Ports, inForce: Settings): void {
  const config = configRecord(inForce);
  if (ports.ledger.next > 0 && isConfigured(engine, config)) return;
  appendRecord(engine, ports, config);
}

function retention({ retainMegabytes = 1024, retainDays = 30 }: RunOptions): Retention {
  return { bytes: retainMegabytes * 1024 * 1024, milliseconds: retainDays * 24 * 3600 * 1000 };
}

function summary({ cluster, synced, rejections, committedOffset }: EngineState): number {
  if (!synced) {
    log.info("ended before the cluster was read: the rules in the kernel are as they were");
    return 0;
  }
  if (rejections > 0) {
    log.error("the kernel does not hold the state: the last commit was rejected (see above)");
    return 1;
  }
  const services = cluster.services.size;
  log.info(`in sync: the kernel holds the rules of ${services} Services at @${committedOffset}`);
  return 0;
}
