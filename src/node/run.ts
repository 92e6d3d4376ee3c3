// `ledgerproxy run`: runs the proxy. It opens what the loop acts on, puts rules in place, follows the source, and starts the
// loop again after a fault.

import { countText } from "../count_text.ts";
import type { EngineState, Input } from "../engine/engine.ts";
import { knownVersions } from "../engine/engine_state.ts";
import { commitBatch, list, perform } from "../engine/executor.ts";
import type { Ports } from "../engine/ports.ts";
import { BOUNDS_WITHOUT_STEPS } from "../kube/bounds.ts";
import { kernelVersion, missingCapabilities } from "../kernel/capabilities.ts";
import { Conntrack } from "../kernel/conntrack.ts";
import type { SyncReport } from "../engine/sync_report.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { NetlinkKernel } from "../kernel/netlink_kernel.ts";
import { RulesetMonitor } from "../kernel/ruleset_monitor.ts";
import { type ApiClient, prepareTls } from "../ingest/api_client.ts";
import { behindServiceRules } from "../ingest/server_address.ts";
import type { KnownVersions, Source } from "../ingest/source.ts";
import { isLedgerDamage } from "../ledger/damage.ts";
import { turn } from "../pause.ts";
import { type ApiEvent, EventRecorder } from "../serve/event_recorder.ts";
import { type BegunSource, begunSource } from "./begun_source.ts";
import { HeadLease, type Write } from "./head_lease.ts";
import { type Settings, settings } from "./config.ts";
import { canCount } from "./connection_counting.ts";
import { dryRun } from "./dry_run.ts";
import { EXIT } from "./exit_code.ts";
import { Faults } from "./faults.ts";
import { commitEarly } from "./early_commit.ts";
import { appendRecord, configure, follow, type Process } from "./follow.ts";
import { flushLog, log, logLater, sinceStart, startNodeLog } from "./log.ts";
import { portsOf } from "./node_ports.ts";
import { setUpNode } from "./node_setup.ts";
import { kernelOf, kubeProxyTables, otherModes, ourTables, tableNames } from "./other_proxies.ts";
import { type HeldCommit, heldPosition } from "./held_commit.ts";
import { restarting } from "./restarts.ts";
import { RunLedger } from "./run_ledger.ts";
import { retention, type RunOptions } from "./run_options.ts";
import { type AssertionChecks, newServed, Serving } from "./serving.ts";
import { apiClient, openSource } from "./sources.ts";
import { boundedConfig, configRecord, ledgerFolder } from "./start.ts";
import { stopSignal } from "./stop_signal.ts";
import { SyncLines } from "./sync_line.ts";
import { OWNED, ownTables } from "./table_owner.ts";
import { UsageError } from "./usage_error.ts";

/** When a start says that its API server is behind the rules of Services: to look at all of them takes milliseconds that it needs. */
const WARNING_MILLISECONDS = 1000;

/** The lines of this process. */
const syncs = new SyncLines();

/** Runs the proxy, and checks `assertions`, until the source ends or SIGTERM arrives; returns the exit code. */
export async function run(options: RunOptions, assertions?: AssertionChecks): Promise<number> {
  if (!options.initOnly && !options.dryRun) startNodeLog();
  if (options.source === undefined && !options.initOnly) prepareTls();
  const inForce = settings(options);
  if (options.initOnly) return warnOf(setUpNode(inForce)).length === 0 ? EXIT.done : EXIT.failure;
  if (options.dryRun) {
    const config = { ...configRecord(inForce), bounds: BOUNDS_WITHOUT_STEPS };
    return await dryRun(openSource({ ...options, ...inForce }, true, apiClient(inForce)), config);
  }
  requireSource(options, inForce);
  if (options.headLease !== undefined && inForce.proxy.serviceProxyName !== undefined) {
    throw new UsageError(
      "--head-lease and --service-proxy-name: the Lease of a node has the heads of one ledger, that of its proxy without a name",
    );
  }
  const ledger = new RunLedger({
    folder: ledgerFolder(inForce.ledger),
    policy: options.fsync ?? "interval",
    retention: retention(options),
    required: options.once === true,
  });
  let code: number = EXIT.failure;
  try {
    code = await runOn(ledger, options, inForce, assertions);
  } finally {
    await endLedger(ledger, code);
  }
  return code;
}

/**
 * Throws a UsageError where the source is wrong, before the folder of the ledger is made. An API server is looked at later, while
 * the disk is read, unless the ledger is missing too: then the source is named first.
 */
function requireSource(options: RunOptions, inForce: Settings): void {
  if (inForce.source === undefined && inForce.ledger !== undefined) return;
  openSource({ ...options, ...inForce }, options.once === true, apiClient(inForce));
}

/** Runs the proxy on `ledger`. */
async function runOn(
  ledger: RunLedger,
  options: RunOptions,
  inForce: Settings,
  assertions: AssertionChecks | undefined,
): Promise<number> {
  // First of all a start says whether the rules are there: what is made below takes as long as that.
  const found = await look(ledger, inForce, true);
  if (found === undefined) return EXIT.failure;
  using _ = found.resources;
  const client = found.client ?? connected(inForce, found.resources);
  const recorder = client && new EventRecorder(inForce.node, (path, body) => client.post(path, body));
  const served = newServed(
    {
      sendEvent: (event) => recorder?.send(event),
      failed: (error) => faults.note("answer", error),
    },
    inForce,
    assertions,
  );
  assertions?.begin(served);
  if (client !== undefined) client.answered = served.metrics.rest.answered;
  const faults = new Faults(served.metrics.condition);
  const lease = headLease(client, inForce.node, options.headLease);
  const process: Process = { options, inForce, client, lease, served, faults, ledger, stop: stopSignal() };
  try {
    return await runProcess(process, found);
  } finally {
    // Ends a rehearsal too.
    process.stop.abort();
    process.serving?.[Symbol.dispose]();
    faults[Symbol.dispose]();
  }
}

/** Publishes heads of the ledger in `namespace`, where that is wanted and there is an API server. */
function headLease(
  client: ApiClient | undefined,
  node: string,
  namespace: string | undefined,
): HeadLease | undefined {
  if (client === undefined || namespace === undefined) return undefined;
  const write: Write = (method, path, object) => client.write(method, path, object);
  return new HeadLease(namespace, node, write, (text) => log.warn(text));
}

/** Closes the ledger. A call of the disk that hangs would keep the process from ending by itself. */
async function endLedger(ledger: RunLedger, code: number): Promise<void> {
  if (await ledger.close()) return;
  await flushLog();
  Deno.exit(code);
}

/** Runs the loop, again after each fault. A fault before the first rules are in place, or with `--once`, ends the program. */
async function runProcess(process: Process, first: Found): Promise<number> {
  const { options, served, faults, stop } = process;
  let found: Found | undefined = first;
  const start = async () => {
    const now = found ?? await look(process.ledger, process.inForce);
    found = undefined;
    return now === undefined ? EXIT.failure : await lives(process, now);
  };
  const code = await restarting(start, {
    stop: stop.signal,
    mayRestart: (error) => process.serving !== undefined && options.once !== true && !isLedgerDamage(error),
    restarts(error, pause) {
      faults.loopEnded(error);
      served.brokenSince ??= performance.now();
      served.metrics.condition.restarted();
      const when = pause === 0 ? "at once" : `in ${pause / 1000} s`;
      log.warn(
        `starting again in place ${when}, from ledger and kernel; the rules stay as they are until then`,
      );
    },
  });
  return code ?? EXIT.failure;
}

/** Runs of the loop, until one does not end because the ledger can be continued. */
async function lives(process: Process, first: Found): Promise<number> {
  for (
    let found: Found | undefined = first;
    found !== undefined;
    found = await look(process.ledger, process.inForce)
  ) {
    const code = await live(process, found);
    if (process.stop.signal.aborted || !process.ledger.reopened.aborted) return code;
  }
  return EXIT.failure;
}

/** What a run of the loop finds. */
interface Found {
  readonly kernel: NetlinkKernel;
  /** The last commit of the ledger, where the kernel holds it. */
  readonly held: HeldCommit | undefined;
  /** Connects already: the kernel has no rules, so that the node waits for the first lists. */
  readonly client: ApiClient | undefined;
  /** Owns the kernel's socket, and the connection that is being made. */
  readonly resources: DisposableStack;
}

/**
 * Opens the kernel, and finds out, and logs, whether it holds the rules of the last commit. Undefined where the kernel cannot hold
 * rules: that is found out before the ledger is opened, so that a node that cannot run a proxy gets no folder for one. `connects`:
 * where there are no rules, before the disk is waited for.
 */
async function look(
  ledger: RunLedger,
  inForce: Settings,
  connects = false,
): Promise<Found | undefined> {
  const { proxy } = inForce;
  using opened = new DisposableStack();
  const kernel = opened.use(kernelOf(proxy.serviceProxyName));
  const position = heldPosition(kernel);
  // Rules that are in the kernel prove that the kernel has what they need.
  if (position === undefined && !capable(kernel)) return undefined;
  if (proxy.countConnections && !canCount(kernel)) return undefined;
  const client = connects && position === undefined ? connected(inForce, opened) : undefined;
  const held = await ledger.look(position);
  if (held !== undefined) {
    const since = isUntouched(kernel, held) ? ", untouched since" : "";
    log.info(
      `the kernel holds the rules of the last commit, @${held.position.offset}${since}, ${sinceStart()}`,
    );
  }
  return { kernel, held, client, resources: opened.move() };
}

/** A client for the API server, where there is one, which begins to connect. */
function connected(inForce: Settings, resources: DisposableStack): ApiClient | undefined {
  const client = apiClient(inForce);
  resources.use(client?.connectAhead());
  return client;
}

/** One run of the loop, from the opening of the ledger to the end of the source. */
async function live(process: Process, found: Found): Promise<number> {
  const { options, inForce, client, served, faults } = process;
  await using resources = new AsyncDisposableStack();
  const { kernel } = found;
  resources.use(found.resources.move());
  let source = sourceOf(process);
  const early = await startEarly(process, found, source, resources);
  const held = early?.held ?? found.held;
  const conntrack = resources.use(new Conntrack());
  // The monitor listens before the tables are listed, so that no change between the two is missed.
  const monitor = resources.use(new RulesetMonitor(kernel.alias.kernel, kernel.port, served.counting));
  const opened = await process.ledger.begin(process.serving === undefined);
  const { engine, ledger, gap } = opened;
  if (process.serving === undefined) setUp(inForce, (event) => served.sendEvent(event));
  Object.assign(served, {
    engine,
    drift: undefined,
    status: () => source.status?.() ?? [],
    ledger: () => ledger.failure,
    past: () => process.ledger.kept,
  });
  const ports = portsOf({ kernel, conntrack, monitor, ledger }, served, logSync);
  // The state of a damaged ledger may be old. It is better than no rules at all, and worse than rules that are there.
  const theirs = inForce.proxy.serviceProxyName === undefined ? kubeProxyTables(kernel) : [];
  const complete = opened.renewed && ourTables(kernel).length + theirs.length === 0;
  const flags = options.ownTables ? OWNED : [];
  // Beside a name of its own this program serves other Services than those rules do.
  const others = inForce.proxy.serviceProxyName === undefined && othersServe(kernel, held);
  perform(engine, ports, {
    kind: "opened",
    ledger: ledger.ledger,
    complete,
    othersServe: others,
    flags,
    ...gap && { gap },
  });
  configure(engine, ports, inForce);
  // A gap that this process made explains what differs.
  const standing = present(kernel, options, held, gap?.committed ? undefined : ports.now());
  source = await followed(process, { source, early, engine, standing }, resources);
  perform(engine, ports, standing);
  if (inForce.proxy.serviceProxyName === undefined) takeOver(engine, ports);
  log.info(
    `reading ${source.description} as node ${inForce.node}; ledger ${process.ledger.options.folder} at @${
      ledger.next - 1
    }`,
  );
  // Before the first batch: elements that it leaves, and those that it deletes, have counted for another process.
  served.counting.begin(monitor, ourTables(kernel).length > 0);
  resources.defer(() => served.counting.end());
  // A node that starts while the API server is away serves the rules of the ledger.
  commitBatch(engine, ports);
  if (engine.committedOffset >= 0 && engine.rejections === 0) log.info(inPlace(engine));
  const broken = faults.attach((record) => appendRecord(engine, ports, record));
  process.ledger.onRecord = (record) => appendRecord(engine, ports, record);
  resources.defer(() => faults.detach());
  if (client !== undefined) {
    const warning = setTimeout(() => warnOfServer(client, engine), WARNING_MILLISECONDS);
    resources.defer(() => clearTimeout(warning));
  }
  if (process.serving === undefined) served.sendEvent(nodeEvent(inForce, "Normal", "Starting", ""));
  process.serving ??= new Serving(served, inForce);
  return await follow(process, { source, ports, broken });
}

function sourceOf({ options, inForce, client }: Process): Source {
  return openSource({ ...options, ...inForce }, options.once === true, client);
}

/**
 * Whether this is a start that reads an API server. Later runs of the loop have servers, which would answer from what is not adopted
 * yet.
 */
function isFirst({ client, serving }: Process): boolean {
  return client !== undefined && serving === undefined;
}

/** A source that was asked before the state is made. */
interface EarlySource {
  /** The last commit, where the source follows it; undefined where it lists the whole cluster for a new ledger. */
  readonly held: HeldCommit | undefined;
  readonly source: BegunSource;
}

/**
 * Asks the source before the state is made, and commits what it says first. Undefined where the ledger must be read whole before: it has
 * records, and the rules in the kernel are not those of its last commit.
 */
async function startEarly(
  process: Process,
  { kernel, held }: Found,
  source: Source,
  resources: AsyncDisposableStack,
): Promise<EarlySource | undefined> {
  const { options, inForce, ledger } = process;
  if (!isFirst(process)) return undefined;
  if (ledger.isNew) return { held: undefined, source: await asked(source, () => new Map(), resources) };
  if (held === undefined || !isUntouched(kernel, held)) return undefined;
  // To own the tables changes them.
  if (options.ownTables || !ownTables(kernel, false)) return undefined;
  const ahead = await ledger.ahead();
  if (ahead === undefined) return undefined;
  const { versions } = ahead;
  const begun = resources.use(begunSource(source, () => versions));
  const config = boundedConfig(inForce);
  return { held: await commitEarly({ kernel, ledger, ahead, config }, begun, held), source: begun };
}

/**
 * The source for the loop, with its first requests sent where the start resumes or the ledger is new. What is found may forbid to resume:
 * whole lists come first then.
 */
async function followed(
  process: Process,
  { source, early, engine, standing }: {
    readonly source: Source;
    readonly early: EarlySource | undefined;
    readonly engine: EngineState;
    readonly standing: Input;
  },
  resources: AsyncDisposableStack,
): Promise<Source> {
  if (isFirst(process) && standing.kind === "untouched") {
    return early?.source ?? await asked(source, () => knownVersions(engine), resources);
  }
  if (early === undefined) return source;
  if (early.held === undefined) return early.source;
  await early.source[Symbol.asyncDispose]();
  return sourceOf(process);
}

/** `source` with its first requests sent. */
async function asked(
  source: Source,
  known: () => KnownVersions,
  resources: AsyncDisposableStack,
): Promise<BegunSource> {
  const begun = resources.use(begunSource(source, known));
  await turn();
  return begun;
}

/** Logs a commit: at once after a quiet time, else with those that follow it. */
function logSync(report: SyncReport): void {
  const now = performance.now();
  const line = syncs.next(report, now);
  if (line !== undefined) log.info(line);
  else logLater(() => syncs.take(performance.now()), syncs.pause(now));
}

/** Our rules in the kernel at a start, at `time`. The monitor listens already, so it notices every later change of them. */
function present(
  kernel: Kernel,
  { ownTables: owned = false }: RunOptions,
  held: HeldCommit | undefined,
  time: string | undefined,
): Input {
  const untouched = held !== undefined && isUntouched(kernel, held);
  if (!ownTables(kernel, owned)) return { kind: "unreadable", tables: ourTables(kernel) };
  return untouched ? { kind: "untouched", position: held.position } : list(kernel, time);
}

/** Whether no program has committed since. */
function isUntouched(kernel: Kernel, { generation }: HeldCommit): boolean {
  return generation === kernel.generation();
}

/** Says that rules are in place, and how long after the start of the process. */
function inPlace({ cluster, committedOffset, halving }: EngineState): string {
  const rules = halving === undefined ? "the rules" : "the first rules";
  return `${rules} of ${
    countText(cluster.services.size, "Service")
  } are in place, as of @${committedOffset}, ${sinceStart()}`;
}

/** Warns where the API server cannot be reached without the rules that its own answers lead to. */
function warnOfServer({ server, kubeconfig, master }: ApiClient, { cluster }: EngineState): void {
  const inPod = kubeconfig === undefined && master === undefined;
  const why = behindServiceRules(server, cluster.objects.values(), inPod);
  if (why === undefined) return;
  log.warn(
    `API server ${server}: ${why}; a node without a service proxy's rules cannot reach it: give --master with the address of a machine or balancer`,
  );
}

/** Whether the kernel has what the rules need; logs what is missing. */
function capable(kernel: Kernel): boolean {
  const version = kernelVersion(Deno.osRelease());
  const missing = [...version.available ? [] : [version], ...missingCapabilities(kernel)];
  for (const { name, problem } of missing) log.error(`cannot run here: ${name}: ${problem}`);
  if (missing.length > 0) log.error("to print the rules without changing the kernel, use --dry-run");
  return missing.length === 0;
}

/** Sets up the node. What it does not let us set is logged and sent as an event, and the proxy runs all the same. */
function setUp(inForce: Settings, send: (event: ApiEvent) => void): void {
  for (const problem of warnOf(setUpNode(inForce))) {
    send(nodeEvent(inForce, "Warning", "FailedToSetUpNode", problem));
  }
}

/** Logs `problems` and returns them. */
function warnOf(problems: string[]): string[] {
  for (const problem of problems) log.warn(problem);
  return problems;
}

/** An event about the own Node, with the action of kube-proxy's events. */
function nodeEvent({ node }: Settings, type: ApiEvent["type"], reason: string, note: string): ApiEvent {
  const regarding = { kind: "Node", namespace: "", name: node } as const;
  return { regarding, type, reason, action: "StartKubeProxy", note };
}

/** Whether rules of another proxy serve in place of ours: they follow the cluster as of later than a ledger that nothing wrote since. */
function othersServe(kernel: Kernel, held: HeldCommit | undefined): boolean {
  if (held !== undefined || ourTables(kernel).length > 0) return false;
  return kubeProxyTables(kernel).length > 0 || otherModes(kernel).length > 0;
}

/** Takes over from kube-proxy in nftables mode: the first batch deletes its tables. Other modes are only reported. */
function takeOver(engine: EngineState, ports: Ports): void {
  const tables = kubeProxyTables(ports.kernel);
  if (tables.length > 0) {
    log.info(
      `taking over from kube-proxy: ${tableNames(tables)} will be deleted in the batch that adds our rules`,
    );
    perform(engine, ports, { kind: "takeover", tables });
  }
  for (const other of otherModes(ports.kernel)) log.warn(other);
}
