// The costs of one proxy, alone on a node: its first sync, a restart, single changes, CPU and memory.

import { NetlinkKernel } from "../../../src/kernel/netlink_kernel.ts";
import { DEFAULT_PROXY_CONFIG } from "../../../src/kube/proxy_config.ts";
import { type ControlPlane, end, startProgram } from "../../support/cluster/control_plane.ts";
import { connectApi, disconnectApi, kubeProxyConfiguration } from "../../support/cluster/oracle.ts";
import { startBundle } from "../../support/cluster/program.ts";
import type { Lab } from "../../support/lab/lab.ts";
import { type ApiCost, ApiMeter } from "./api_costs.ts";
import { patch, timeChange } from "./cluster.ts";
import { Observer } from "./observer.ts";
import { cpuSeconds, idle, type Memory, memoryOf, settled } from "./process_costs.ts";

/** The costs of one proxy. Times in milliseconds. */
export interface Sample {
  /** From the start of the process to the last rule. */
  readonly firstSync: number;
  /** The part of it from the objects read to the last rule, as the proxy measures it. */
  readonly syncItself: number;
  readonly restart: Restart;
  readonly patches: readonly number[];
  readonly cpuAChange: number;
  /** CPU time of the proxy until its first sync was over. */
  readonly cpuFirstSync: number;
  /** From then until it rests: a snapshot and a rehearsal, for example. */
  readonly cpuAfterSync: number;
  readonly firstLists: ApiCost;
  readonly aChange: ApiCost;
  readonly memory: Memory;
}

/** A restart during which one endpoint changed. All times begin at the start of the process. */
interface Restart {
  /** Until the proxy knows that the kernel holds the rules of its last commit, unchanged. */
  readonly known: number;
  /** Until it has restored its state and can apply changes to it. */
  readonly ready: number;
  /** Until the missed change is in the kernel. */
  readonly missed: number;
}

/** Which proxy: kube-proxy in a mode, or a bundle of this program. */
export type Proxy =
  | { readonly kind: "kube-proxy"; readonly mode: "iptables" | "nftables" }
  | { readonly kind: "ledgerproxy"; readonly bundle: string };

/** The cluster on which a proxy is measured. */
export interface Bench {
  readonly plane: ControlPlane;
  readonly services: number;
  readonly changes: number;
  /** For logs, configurations and ledgers. */
  readonly folder: string;
}

/** Runs `proxy` on the node of `lab` twice and ends it; its rules stay in the kernel. */
export async function measure(bench: Bench, proxy: Proxy, lab: Lab): Promise<Sample> {
  const { plane, changes, folder } = bench;
  const logFile = `${folder}/proxy.log`;
  const ledger = Deno.makeTempDirSync({ dir: folder });
  connectApi(lab);
  using kernel = lab.inside("node", () => new NetlinkKernel());
  const meter = await ApiMeter.start(plane, lab);
  const begin = performance.now();
  let process = start(bench, proxy, lab, logFile, ledger);
  const [firstLists, synced] = await Promise.all([meter.lists(), settled(kernel, process.pid)]);
  const firstSync = synced - begin;
  const syncItself = syncMilliseconds(lab);
  const cpuFirstSync = cpuSeconds(process.pid) * 1000;
  await idle(process.pid);
  const cpu = cpuSeconds(process.pid);
  meter.restart();
  const patches = await timeCommits(bench, lab);
  await idle(process.pid);
  const cpuAChange = (cpuSeconds(process.pid) - cpu) / changes * 1000;
  const { bytes, cpu: apiCpu } = await meter.costBesideRest();
  const aChange = { bytes: bytes / changes, cpu: apiCpu / changes };
  const memory = memoryOf(process.pid);
  await end(process);
  await patch(plane, 0);
  const again = performance.now();
  process = start(bench, proxy, lab, logFile, ledger);
  const missed = await settled(kernel, process.pid) - again;
  await end(process);
  disconnectApi();
  const restart = proxy.kind === "ledgerproxy" ? { ...restartOf(logFile), missed } : {
    known: missed,
    ready: missed,
    missed,
  };
  return {
    firstSync,
    syncItself,
    restart,
    patches,
    cpuAChange,
    cpuFirstSync,
    cpuAfterSync: cpu * 1000 - cpuFirstSync,
    firstLists,
    aChange,
    memory,
  };
}

/** Milliseconds from each PATCH to the commit in the kernel of the node of `lab`. */
async function timeCommits(bench: Bench, lab: Lab): Promise<number[]> {
  await using commits = await Observer.ofCommits(lab);
  return await timeChanges(bench, commits);
}

/** Milliseconds from each PATCH to the event at a client on the node of `lab` that only reads its watch. */
export async function timeBareWatch(bench: Bench, lab: Lab): Promise<number[]> {
  connectApi(lab);
  await using events = await Observer.ofWatch(lab, bench.plane.kubeconfig());
  const times = await timeChanges(bench, events);
  disconnectApi();
  return times;
}

async function timeChanges({ plane, services, changes }: Bench, observer: Observer): Promise<number[]> {
  const times: number[] = [];
  for (let change = 0; change < changes; change++) {
    times.push(await timeChange(plane, observer, (change * 7919) % services));
    // The next change finds the proxy idle, as most do.
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  return times;
}

function start(bench: Bench, proxy: Proxy, lab: Lab, logFile: string, ledger: string): Deno.ChildProcess {
  if (proxy.kind === "kube-proxy") return lab.inside("node", () => startKubeProxy(bench, proxy.mode));
  Deno.writeTextFileSync(logFile, "");
  const args = ["--node", "node-a", "--kubeconfig", bench.plane.kubeconfig(), "--ledger", `${ledger}/ledger`];
  return startBundle(lab, logFile, ["run", ...args], proxy.bundle);
}

function startKubeProxy({ plane, folder }: Bench, mode: string): Deno.ChildProcess {
  const file = `${folder}/kube-proxy.json`;
  const configuration = kubeProxyConfiguration(DEFAULT_PROXY_CONFIG, plane.kubeconfig());
  const iptables = { minSyncPeriod: "1ms" };
  Deno.writeTextFileSync(file, JSON.stringify({ ...configuration as object, mode, iptables }));
  return startProgram("kube-proxy", [`--config=${file}`], `${folder}/kube-proxy.log`);
}

/** The time of all full syncs of IPv4 so far, by the metric that both programs have. */
function syncMilliseconds(lab: Lab): number {
  const metrics = lab.run("node", "curl --silent --show-error http://127.0.0.1:10249/metrics");
  const name = "kubeproxy_sync_full_proxy_rules_duration_seconds_sum";
  const found = new RegExp(`^${name}\\{ip_family="IPv4"\\} (.*)$`, "m").exec(metrics);
  return found === null ? NaN : Number(found[1]) * 1000;
}

/** The times of a restart that this program logs. */
function restartOf(logFile: string): Pick<Restart, "known" | "ready"> {
  const log = Deno.readTextFileSync(logFile);
  const logged = (what: RegExp) => Number(what.exec(log)?.[1] ?? NaN);
  return {
    known: logged(/holds the rules of the last commit, @\d+, untouched since, (\d+) ms/),
    ready: logged(/are in place, as of @\d+, (\d+) ms/),
  };
}
