// `ledgerproxy run`: the proxy. Source -> ledger -> fold -> plan -> kernel.

import { type EngineState, newEngine } from "../engine/engine.ts";
import { commitBatch, list, perform, type Ports, runLoop } from "../engine/run_loop.ts";
import { kernelVersion, probeCapabilities } from "../kernel/capabilities.ts";
import { Conntrack } from "../kernel/conntrack.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { NetlinkKernel } from "../kernel/netlink_kernel.ts";
import { newMetrics } from "../serve/metrics.ts";
import { dryRun } from "./dry_run.ts";
import { log } from "./log.ts";
import { kubeProxyTables, otherModes, tableNames } from "./other_proxies.ts";
import { type ConfigOptions, settings } from "./config.ts";
import { followed, Serving } from "./serving.ts";
import { openSource } from "./sources.ts";
import { configRecord, isConfigured, ledgerFolder, openLedger, stopSignal } from "./start.ts";
import { syncLine } from "./sync_line.ts";

/** Flags of `run`. */
export interface RunOptions extends ConfigOptions {
  readonly once?: boolean;
  readonly dryRun?: boolean;
  readonly speed?: number;
}

/** Runs the proxy until the source ends or the process is asked to stop; returns the exit code. */
export async function run(options: RunOptions): Promise<number> {
  const once = options.once === true || options.dryRun === true;
  const inForce = settings(options);
  const source = openSource({ ...options, ...inForce }, once);
  const config = configRecord(inForce);
  if (options.dryRun) return await dryRun(source, config);
  const folder = ledgerFolder(inForce.ledger);
  using kernel = new NetlinkKernel();
  using conntrack = new Conntrack();
  if (!capable(kernel)) return 1;
  const engine = newEngine();
  using ledger = openLedger(folder, engine);
  const status = source.status ?? (() => []);
  const metrics = newMetrics(status);
  let lastUpdated = 0;
  const ports: Ports = {
    kernel,
    conntrack,
    ledger,
    now: () => new Date().toISOString(),
    rejected: () => metrics.kubeProxy.noteFailure(),
    report(report) {
      lastUpdated = Date.now();
      metrics.noteSync(report);
      log.info(syncLine(report));
    },
    warn: (text) => log.warn(text),
  };
  perform(engine, ports, { kind: "opened", ledger: ledger.ledger });
  if (ledger.next === 0 || !isConfigured(engine, config)) {
    perform(engine, ports, { kind: "appended", first: ledger.append([config]), records: [config] });
  }
  perform(engine, ports, list(kernel));
  takeOver(engine, ports);
  log.info(
    `reading ${source.description} as node ${inForce.node}; ledger ${folder} at @${ledger.next - 1}`,
  );
  // A node that comes up while its source is away serves what the ledger knows.
  commitBatch(engine, ports);
  await using serving = new Serving({ engine, metrics, status, lastUpdated: () => lastUpdated }, inForce);
  serving.follow();
  await runLoop(engine, ports, followed(source, () => serving.follow()), stopSignal());
  return summary(engine);
}

/** Says what keeps the proxy from running; false when something does. */
function capable(kernel: Kernel): boolean {
  const missing = [kernelVersion(Deno.osRelease()), ...probeCapabilities(kernel)].filter((
    { needed, available },
  ) => needed && !available);
  for (const { name, problem } of missing) log.error(`cannot run here: ${name}: ${problem}`);
  if (missing.length > 0) log.error("to see the rules without writing them, use --dry-run");
  return missing.length === 0;
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

function summary({ cluster, rejections, committedOffset }: EngineState): number {
  if (rejections > 0) {
    log.error("the kernel does not hold the state: the last commit was rejected (see above)");
    return 1;
  }
  const services = cluster.services.size;
  log.info(`in sync: the kernel holds the rules of ${services} Services at @${committedOffset}`);
  return 0;
}
