// `ledgerproxy run`: the proxy. Source -> ledger -> fold -> plan -> kernel.

import type { EngineState, Input } from "../engine/engine.ts";
import { commitBatch, list, perform, type Ports } from "../engine/run_loop.ts";
import { runLoop } from "../engine/running.ts";
import { TABLE } from "../fold/skeleton.ts";
import { snapshotLines, snapshotState } from "../fold/snapshot.ts";
import { kernelVersion, missingCapabilities } from "../kernel/capabilities.ts";
import { Conntrack } from "../kernel/conntrack.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { NetlinkKernel } from "../kernel/netlink_kernel.ts";
import { RulesetMonitor } from "../kernel/ruleset_monitor.ts";
import { SNAPSHOT_MILLISECONDS, SNAPSHOT_STOP_BYTES, SNAPSHOT_TAIL_BYTES } from "../limits.ts";
import type { Retention } from "../ledger/retention.ts";
import type { LedgerFailure, SyncPolicy } from "../ledger/writer.ts";
import type { ApiClient } from "../ingest/api_client.ts";
import { behindServiceRules } from "../ingest/server_address.ts";
import { isPart, type Source, type SourceBatch } from "../ingest/source.ts";
import { type ApiEvent, EventRecorder } from "../serve/event_recorder.ts";
import { newMetrics } from "../serve/metrics.ts";
import { type ConfigOptions, type Settings, settings } from "./config.ts";
import { watchConfig } from "./config_watch.ts";
import { dryRun } from "./dry_run.ts";
import { MemoryRelease } from "./free_memory.ts";
import { log } from "./log.ts";
import { movedEvents } from "./moved_events.ts";
import { setUpNode } from "./node_setup.ts";
import { kubeProxyTables, otherModes, ourTables, tableNames } from "./other_proxies.ts";
import { guardedSource } from "./guarded_source.ts";
import { type HeldCommit, heldCommit } from "./held_commit.ts";
import { progress } from "./progress.ts";
import { followed, type Served, Serving } from "./serving.ts";
import { apiClient, openSource } from "./sources.ts";
import { configRecord, isConfigured, ledgerFolder, openForWriting, stopSignal } from "./start.ts";
import { syncLine } from "./sync_line.ts";
import { OWNED, ownTables } from "./table_owner.ts";

/** Flags of `run`. */
export interface RunOptions extends ConfigOptions {
  readonly once?: boolean;
  readonly dryRun?: boolean;
  readonly initOnly?: boolean;
  readonly allowEmpty?: boolean;
  readonly ownTables?: boolean;
  readonly speed?: number;
  readonly fsync?: SyncPolicy;
  readonly retainDays?: number;
  readonly retainMegabytes?: number;
}

/** Runs the proxy until the source ends or the process is asked to stop; returns the exit code. */
export async function run(options: RunOptions): Promise<number> {
  const inForce = settings(options);
  if (options.initOnly) return told(setUpNode(inForce)).length === 0 ? 0 : 1;
  if (options.dryRun) {
    const source = openSource({ ...options, ...inForce }, true, apiClient(inForce));
    return await dryRun(source, configRecord(inForce));
  }
  using kernel = new NetlinkKernel();
  const held = heldCommit(inForce.ledger, kernel);
  if (held !== undefined) {
    const since = kernel.generation() === held.generation ? ", untouched since" : "";
    log.info(
      `the kernel holds the rules of the last commit, @${held.position.offset}${since}, ${sinceStart()}`,
    );
  }
  const client = apiClient(inForce);
  const source = openSource({ ...options, ...inForce }, options.once === true, client);
  const folder = ledgerFolder(inForce.ledger);
  using conntrack = new Conntrack();
  // Rules that stand prove what the kernel can do.
  if (held === undefined && !capable(kernel)) return 1;
  using monitor = new RulesetMonitor(TABLE, kernel.port);
  const recorder = client && new EventRecorder(inForce.node, (path, body) => client.post(path, body));
  const tell = (event: ApiEvent) => recorder?.tell(event);
  setUp(inForce, tell);
  const stop = stopSignal();
  const opened = openForWriting(folder, options.fsync ?? "interval");
  const { engine } = opened;
  using ledger = opened.ledger;
  const served: Served = {
    engine,
    status: () => source.status?.() ?? [],
    ledger: () => ledger.failure,
    metrics: newMetrics({
      status: () => source.status?.() ?? [],
      gathered: () => engine.gathered,
      ledger: () => ledger.failure,
    }),
    lastUpdated: 0,
    tell,
  };
  const ports = portsOf({ kernel, conntrack, monitor, ledger }, served);
  // What a damaged ledger knew is better than no rules at all, and worse than those that are there.
  const complete = opened.renewed && ![...ourTables(kernel), ...kubeProxyTables(kernel)].length;
  const flags = options.ownTables ? OWNED : [];
  perform(engine, ports, { kind: "opened", ledger: ledger.ledger, complete, flags });
  configure(engine, ports, inForce);
  perform(engine, ports, standing(kernel, options, held, ports.now()));
  takeOver(engine, ports);
  log.info(
    `reading ${source.description} as node ${inForce.node}; ledger ${folder} at @${ledger.next - 1}`,
  );
  if (client !== undefined) warnOfServer(client, engine);
  // A node that comes up while its source is away serves what the ledger knows.
  commitBatch(engine, ports);
  if (engine.committedOffset >= 0 && engine.rejections === 0) log.info(inPlace(engine));
  await using serving = new Serving(served, inForce);
  tell(nodeEvent(inForce, "Normal", "Starting", ""));
  return await follow({ options, inForce, source, ports, served, serving, stop });
}

interface Following {
  readonly options: RunOptions;
  readonly inForce: Settings;
  readonly source: Source;
  readonly ports: Ports;
  readonly served: Served;
  readonly serving: Serving;
  readonly stop: AbortController;
}

/** Follows the source until it ends, the process is asked to stop, or a changed configuration needs another. */
async function follow(
  { options, inForce, source, ports, served, serving, stop }: Following,
): Promise<number> {
  const { engine, metrics } = served;
  const { ledger } = ports;
  let restart = false;
  using _watch = watchConfig(options, inForce, {
    apply(now) {
      log.info(`${options.config} has changed: taken over`);
      configure(engine, ports, now);
      commitBatch(engine, ports);
      serving.follow();
    },
    restart() {
      log.warn(`${options.config} has changed beyond the rules: ending, to be started again`);
      restart = true;
      stop.abort();
    },
  });
  using memory = new MemoryRelease();
  let lastSnapshot = Date.now();
  let snapshotting: Promise<void> | undefined;
  const told = progress("records in the ledger, while the cluster is read");
  const afterBatch = (batch: SourceBatch) => {
    if (isPart(batch)) return told(ledger.next);
    serving.follow();
    const due = ledger.tailBytes > SNAPSHOT_TAIL_BYTES || Date.now() - lastSnapshot > SNAPSHOT_MILLISECONDS;
    if (due && snapshotting === undefined) {
      lastSnapshot = Date.now();
      snapshotting = ledger.snapshotInSteps(
        snapshotLines(snapshotState(engine.cluster)),
        retention(options),
        lastSnapshot,
      ).finally(() => snapshotting = undefined);
    }
    memory.noteLoad(batch.kind === "list" ? batch.objects.length : batch.events.length);
  };
  serving.follow();
  const beforeBatch = (batch: SourceBatch) => {
    if (!isPart(batch)) metrics.kubeProxy.noteQueued();
  };
  const believed = inForce.source === undefined
    ? source
    : guardedSource(source, () => engine.cluster.objects, options.allowEmpty === true);
  await runLoop(engine, ports, followed(believed, beforeBatch, afterBatch), stop.signal);
  await snapshotting;
  if (ledger.tailBytes > SNAPSHOT_STOP_BYTES) {
    ledger.snapshot(snapshotLines(engine.cluster), retention(options), Date.now());
  }
  return restart ? 1 : summary(engine);
}

/** Says when the ledger's disk begins to fail, and when it works again. */
function tellOfLedger(failure: LedgerFailure | undefined): void {
  if (failure === undefined) log.info("the ledger is written again: nothing is missing");
  else log.error(`the ledger cannot be written: ${failure.reason}; rules go on, its records wait in memory`);
}

function portsOf(parts: Pick<Ports, "kernel" | "conntrack" | "monitor" | "ledger">, served: Served): Ports {
  return {
    ...parts,
    meter: served.metrics,
    ledgerChanged: tellOfLedger,
    now: () => new Date().toISOString(),
    report(report) {
      served.lastUpdated = Date.now();
      served.metrics.noteSync(report);
      for (const event of movedEvents(report.moved, served.engine.cluster)) served.tell(event);
      log.info(syncLine(report));
    },
    warn: (text) => log.warn(text),
  };
}

/** What stands of our rules at a start, at `time`. The monitor listens by now: what is done to them later is heard. */
function standing(
  kernel: Kernel,
  { ownTables: owned = false }: RunOptions,
  held: HeldCommit | undefined,
  time: string,
): Input {
  const untouched = held?.generation === kernel.generation();
  if (!ownTables(kernel, owned)) return { kind: "unreadable", tables: ourTables(kernel) };
  return untouched ? { kind: "untouched", position: held.position } : list(kernel, time);
}

/** Puts the configuration into the ledger, where it is another than the ledger knows. */
function configure(engine: EngineState, ports: Ports, inForce: Settings): void {
  const config = configRecord(inForce);
  if (ports.ledger.next > 0 && isConfigured(engine, config)) return;
  perform(engine, ports, { kind: "appended", first: ports.ledger.append([config]), records: [config] });
}

/** What a node has that starts again: how long its rules were nobody's concern. */
function inPlace({ cluster, committedOffset }: EngineState): string {
  return `the rules of ${cluster.services.size} Services are in place, as of @${committedOffset}, ${sinceStart()}`;
}

function sinceStart(): string {
  return `${Math.round(performance.now())} ms after the start`;
}

function retention({ retainMegabytes = 1024, retainDays = 30 }: RunOptions): Retention {
  return { bytes: retainMegabytes * 1024 * 1024, milliseconds: retainDays * 24 * 3600 * 1000 };
}

/** Says at once where the API server cannot be reached without the rules that are made from its answers. */
function warnOfServer({ server, kubeconfig, master }: ApiClient, { cluster }: EngineState): void {
  const inPod = kubeconfig === undefined && master === undefined;
  const why = behindServiceRules(server, cluster.objects.values(), inPod);
  if (why === undefined) return;
  log.warn(
    `API server ${server}: ${why}; a node without a service proxy's rules cannot reach it: give --master with the address of a machine or balancer`,
  );
}

/** Says what keeps the proxy from running; false when something does. */
function capable(kernel: Kernel): boolean {
  const version = kernelVersion(Deno.osRelease());
  const missing = [...version.available ? [] : [version], ...missingCapabilities(kernel)];
  for (const { name, problem } of missing) log.error(`cannot run here: ${name}: ${problem}`);
  if (missing.length > 0) log.error("to see the rules without writing them, use --dry-run");
  return missing.length === 0;
}

/** What the node does not let us set is an event and a line, not an end. */
function setUp(inForce: Settings, tell: (event: ApiEvent) => void): void {
  for (const problem of told(setUpNode(inForce))) {
    tell(nodeEvent(inForce, "Warning", "FailedToSetUpNode", problem));
  }
}

function told(problems: string[]): string[] {
  for (const problem of problems) log.warn(problem);
  return problems;
}

function nodeEvent({ node }: Settings, type: ApiEvent["type"], reason: string, note: string): ApiEvent {
  const regarding = { kind: "Node", namespace: "", name: node } as const;
  return { regarding, type, reason, action: "StartKubeProxy", note };
}

/** A node with kube-proxy's rules loses them in the batch that brings ours. */
function takeOver(engine: EngineState, ports: Ports): void {
  const tables = kubeProxyTables(ports.kernel);
  if (tables.length > 0) {
    log.info(`taking over from kube-proxy: ${tableNames(tables)} will go in the batch that brings our rules`);
    perform(engine, ports, { kind: "takeover", tables });
  }
  for (const other of otherModes(ports.kernel)) log.warn(other);
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
