// Runs the loop once its rules are in place: follows the source, the configuration file and the Services' health check ports,
// and makes snapshots. The loop ends when the source ends, on SIGTERM, or after a fault that breaks the engine.

import { countText } from "../count_text.ts";
import { isConfigured } from "../fold/cluster_state.ts";
import { isUnfinished } from "../fold/unfinished.ts";
import type { EngineState } from "../engine/engine.ts";
import { type Change, programText } from "../engine/healer.ts";
import { commitBatch, perform } from "../engine/executor.ts";
import type { Ports } from "../engine/ports.ts";
import { runLoop } from "../engine/loop.ts";
import type { ApiClient } from "../ingest/api_client.ts";
import { isPart, type Source, type SourceBatch } from "../ingest/source.ts";
import type { LedgerRecord } from "../ledger/record.ts";
import { RemoteLedger } from "../ledger/remote_ledger.ts";
import { deleteConnections } from "../kernel/conntrack.ts";
import { everySecond } from "../second.ts";
import { messageOf } from "../thrown.ts";
import { Checkpoints } from "./checkpoints.ts";
import { checkedSource } from "./checked_source.ts";
import type { Settings } from "./config.ts";
import { canCount } from "./connection_counting.ts";
import { watchConfig } from "./config_watch.ts";
import type { Faults } from "./faults.ts";
import { MemoryRelease } from "./free_memory.ts";
import { EXIT } from "./exit_code.ts";
import { log } from "./log.ts";
import { progress } from "./progress.ts";
import { rehearse } from "./rehearsal.ts";
import type { RunOptions } from "./run_options.ts";
import { type Served, type Serving } from "./serving.ts";
import type { HeadLease } from "./head_lease.ts";
import type { RunLedger } from "./run_ledger.ts";
import { Snapshots } from "./snapshots.ts";
import { boundedConfig, ledgerFolder } from "./start.ts";
import { TerminatedConnections } from "./terminated_connections.ts";
import { UsageError } from "./usage_error.ts";

/** After so long, or after one batch, the fault that led to the restart counts as over. */
const RECOVERED_MILLISECONDS = 10_000;

/** The parts of the process that outlive a restart in place. */
export interface Process {
  readonly options: RunOptions;
  /** The newest settings: a changed configuration file replaces them. */
  inForce: Settings;
  readonly client: ApiClient | undefined;
  /** Where heads of the ledger are published, besides the metrics. */
  readonly lease: HeadLease | undefined;
  readonly served: Served;
  readonly faults: Faults;
  readonly ledger: RunLedger;
  readonly stop: AbortController;
  /** Resolves when the last run of the loop does no more with the keys of checkpoints: a disk may hang meanwhile. */
  signed?: Promise<void> | undefined;
  /** Absent until the rules are in place for the first time. */
  serving?: Serving;
  /** Whether changes were rehearsed, or are. */
  rehearsed?: boolean;
}

/** What one run of the loop needs. */
export interface Following {
  readonly source: Source;
  readonly ports: Ports;
  /** Aborts on a fault that may have left the engine between two states. */
  readonly broken: AbortSignal;
}

/** Runs the loop; returns the exit code: that of a failure where a changed configuration needs a new start of the program. */
export async function follow(process: Process, { source, ports, broken }: Following): Promise<number> {
  const { options, served, stop, faults } = process;
  const { engine, metrics } = served;
  const { ledger } = ports;
  const serving = process.serving!;
  let restart = false;
  using resources = new DisposableStack();
  resources.use(watchConfig(options, process.inForce, {
    apply(now) {
      const counts = now.proxy.countConnections === true && !engine.cluster.config.countConnections;
      if (counts && !canCount(ports.kernel)) return log.error("the changed configuration is not applied");
      log.info(`${options.config} has changed: applied`);
      process.inForce = now;
      try {
        configure(engine, ports, now);
        served.counting.configured();
        commitBatch(engine, ports);
      } catch (error) {
        faults.note("loop", error);
      }
      serving.follow();
    },
    restart() {
      log.warn(`${options.config} has changes that need a restart: ending, to be started again`);
      restart = true;
      stop.abort();
    },
  }));
  const recovered = () => served.brokenSince = undefined;
  const recovery = setTimeout(recovered, RECOVERED_MILLISECONDS);
  resources.defer(() => clearTimeout(recovery));
  const terminated = resources.use(cutting(process));
  const checkpoints = signing(process, ports, broken, resources);
  // Snapshots are made in steps between batches, because a batch must not wait for the disk.
  const snapshots = new Snapshots(() => engine.cluster, ledger, options, () => checkpoints?.signWhereReady());
  resources.use(everySecond(() => snapshots.freeRoom()));
  const load = resources.use(new MemoryRelease(() => snapshots.isMaking || process.ledger.isAtWork));
  const reading = progress("records in the ledger, while the cluster is read");
  const after = (batch: SourceBatch) => {
    if (isPart(batch)) return reading(ledger.next);
    recovered();
    const { services, endpoints } = engine.gathered;
    if (services + endpoints === 0) metrics.kubeProxy.noteUnchanged();
    serving.follow(batch);
    terminated.after();
    snapshots.takeWhereDue();
    load.noteLoad(batch.kind === "list" ? batch.objects.length : batch.events.length);
    rehearseWhereDue(process, snapshots, load);
  };
  serving.follow();
  terminated.after();
  const before = (batch: SourceBatch) => {
    // An engine that a fault may have left between two states gets no more batches.
    broken.throwIfAborted();
    terminated.before(batch);
    if (!isPart(batch)) metrics.kubeProxy.noteQueued();
  };
  const signal = AbortSignal.any([stop.signal, broken, process.ledger.reopened]);
  let unhealed;
  try {
    unhealed = await runLoop(engine, ports, checkedFiles(process, source), signal, { before, after });
    broken.throwIfAborted();
    if (ledger.failure === undefined) await checkpoints?.end();
    await process.lease?.end();
  } finally {
    process.signed = checkpoints?.stop();
  }
  await snapshots.end();
  return restart ? EXIT.failure : summary(engine, unhealed);
}

/** Begins the rehearsal, once rules are in place. Not where the source is of files: they seldom change. */
function rehearseWhereDue(process: Process, snapshots: Snapshots, load: MemoryRelease): void {
  const { client, options, served: { engine } } = process;
  if (process.rehearsed === true || client === undefined || options.once === true) return;
  if (!engine.synced || engine.committedOffset < 0) return;
  process.rehearsed = true;
  void rehearsed(process, snapshots, load);
}

async function rehearsed(
  { inForce, ledger, stop, served }: Process,
  snapshots: Snapshots,
  load: MemoryRelease,
): Promise<void> {
  try {
    const isBusy = () => snapshots.isMaking || ledger.isAtWork || isUnfinished(served.engine.cluster);
    const batches = await rehearse(inForce, isBusy, stop.signal);
    if (stop.signal.aborted) return;
    log.debug(`rehearsed ${countText(batches, "commit")}`);
    // At 10,000 Services what it leaves unused is 40 MB.
    load.noteRehearsal();
  } catch (error) {
    log.warn(`changes could not be rehearsed, so the first ones take longer: ${messageOf(error)}`);
  }
}

/** The source; where it is of files, one whose lists are checked. */
function checkedFiles({ options, inForce, served: { engine } }: Process, source: Source): Source {
  return inForce.source === undefined ? source : checkedSource(source, () => engine.cluster.objects, options);
}

/** Begins to cut connections to endpoints that are gone. */
function cutting({ options, served: { engine, metrics } }: Process): TerminatedConnections {
  return new TerminatedConnections({
    cluster: () => engine.cluster,
    deleteConnections,
    cut(count) {
      metrics.cut(count);
      log.info(`ended ${countText(count, "connection")} to endpoints that are gone`);
    },
    failed: (reason) => log.warn(`connections to endpoints that are gone go on: ${reason}`),
  }, options.cutTerminated);
}

/**
 * Begins to sign the ledger. Not for `--once`: a run that ends by itself is no node whose past is audited. Not without a disk
 * either: there is nothing to sign. The files of keys are small, and threads of the runtime write them, so that the loop does not
 * wait for them; the writer of the ledger has the segments alone.
 */
function signing(
  { options, inForce, signed, lease, ledger: opened, served: { engine, metrics } }: Process,
  ports: Ports,
  broken: AbortSignal,
  resources: DisposableStack,
): Checkpoints | undefined {
  const { ledger } = ports;
  if (options.once === true || !(ledger instanceof RemoteLedger)) return undefined;
  const checkpoints = new Checkpoints(
    ledgerFolder(inForce.ledger),
    ledger,
    (record) => appendRecord(engine, ports, record),
    ports.now,
    (head) => {
      metrics.noteHead(head);
      lease?.publish(head, performance.now());
    },
    signed,
    options.checkpointKey,
    () => opened.requireHeld(),
  );
  const wake = () => {
    if (!broken.aborted && ledger.failure === undefined) checkpoints.wake();
  };
  resources.use(everySecond(wake));
  return checkpoints;
}

/** Appends a record that no effect of the engine asked for. */
export function appendRecord(engine: EngineState, ports: Ports, record: LedgerRecord): void {
  perform(engine, ports, { kind: "appended", first: ports.ledger.append([record]), records: [record] });
}

/**
 * Appends the configuration to the ledger, where it differs from the newest one there. Throws UsageError where the ledger is that
 * of a proxy with another name: its past would be of other Services and another table, whose rules would stay in the kernel.
 */
export function configure(engine: EngineState, ports: Ports, inForce: Settings): void {
  const { config: before, node } = engine.cluster;
  if (node.name !== "" && before.serviceProxyName !== inForce.proxy.serviceProxyName) {
    const [old, now] = [before, inForce.proxy].map(({ serviceProxyName: name }) =>
      name === undefined ? "a proxy without a name" : `service proxy ${name}`
    );
    throw new UsageError(`the ledger is that of ${old}, and this is ${now}: give each its own --ledger`);
  }
  const config = boundedConfig(inForce);
  if (ports.ledger.next > 0 && isConfigured(engine.cluster, config)) return;
  appendRecord(engine, ports, config);
}

/** Logs how the loop ended; returns the exit code. */
function summary(
  { cluster, synced, rejections, committedOffset }: EngineState,
  unhealed: Change | undefined,
): number {
  if (!synced) {
    log.info("ended before the cluster was read: the rules in the kernel are as they were");
    return 0;
  }
  if (rejections > 0) {
    log.error("the kernel does not hold the rules of the ledger: the last commit was rejected (see above)");
    return EXIT.failure;
  }
  if (unhealed !== undefined) {
    log.warn(
      `the kernel does not hold the rules of the ledger: ${programText(unhealed)} changed our tables ` +
        `(${unhealed.changes.join(", ")}), and they are not put back yet; the next start does that`,
    );
    return 0;
  }
  const services = cluster.services.size;
  log.info(`in sync: the kernel holds the rules of ${countText(services, "Service")} at @${committedOffset}`);
  return 0;
}
