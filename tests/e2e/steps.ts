// The steps of an end-to-end session: what runs on which cluster, in which order, and where the result of each is. A step whose
// result is there is not run again, so a session that was interrupted goes on where it was.

import { SETS } from "./sets.ts";

/** One step. */
export interface Step {
  readonly kind: "install" | "set" | "exercise";
  /** Counted from 1. Each run has a cluster of its own. */
  readonly run: number;
  readonly proxy: string;
  /** The set, or the phase of the exercises; "install" for an installation. */
  readonly name: string;
}

/** What a session is made of. Results of another session do not count for it. */
export interface Session {
  readonly runs: number;
  readonly sets: readonly string[];
  /** The proxies that all sets run with, ours first. */
  readonly proxies: readonly string[];
  readonly exercises: boolean;
  /** Whether there is an earlier release to upgrade from. */
  readonly upgrades: boolean;
}

/** The phases of the exercises by proxy, as operator/phases.sh has them. `upgrade` twice in a row: once proves little. */
const PHASES: Readonly<Record<string, readonly string[]>> = {
  daemonset: ["rolling", "kill-proxy", "drain", "configuration", "api-away"],
  chart: ["configuration", "checks"],
  ledgerproxy: ["upgrade", "upgrade-2", "migrate-nftables", "migrate-iptables"],
  "kube-proxy": [
    "rolling",
    "kill-proxy",
    "drain",
    "configuration",
    "api-away",
    "upgrade",
    "upgrade-2",
    "migrate-iptables",
  ],
};

/** The ways to install, which are timed on a cluster without a proxy. */
const INSTALLED = ["daemonset", "chart"];

/** All steps, in order. Exercises are part of the first run alone. */
export function stepsOf({ runs, sets, proxies, exercises, upgrades }: Session): Step[] {
  const ours = proxies.filter((proxy) => proxy !== "kube-proxy");
  const beside = proxies.includes("kube-proxy") ? ["kube-proxy"] : [];
  return Array.from({ length: runs }, (_, i) => i + 1).flatMap((run): Step[] => {
    const exercised = exercises && run === 1 ? [...new Set([...ours, "chart", "ledgerproxy"])] : ours;
    return [...exercised, ...beside].flatMap((proxy): Step[] => [
      ...(INSTALLED.includes(proxy) ? [{ kind: "install", run, proxy, name: "install" } as const] : []),
      ...(proxies.includes(proxy) ? sets.map((name) => ({ kind: "set", run, proxy, name }) as const) : []),
      ...(exercises && run === 1
        ? (PHASES[proxy] ?? [])
          .filter((phase) => upgrades || proxy === "kube-proxy" || !phase.startsWith("upgrade"))
          .map((name) => ({ kind: "exercise", run, proxy, name }) as const)
        : []),
    ]);
  });
}

/** The folder of a step's result, below that of the session. */
export function folderOf({ run, proxy, name }: Step): string {
  return `run-${run}/${proxy}/${name}`;
}

/** Steps in a row that share one proxy with one configuration: the proxy is started once for them. */
export function turnsOf(steps: readonly Step[]): Step[][] {
  const turns: Step[][] = [];
  for (const step of steps) {
    const last = turns.at(-1);
    if (last !== undefined && setupOf(last[0]!) === setupOf(step)) last.push(step);
    else turns.push([step]);
  }
  return turns;
}

function setupOf({ run, proxy, kind, name }: Step): string {
  const addresses = kind === "set" ? SETS[name]?.nodePortAddresses : undefined;
  return `${run} ${proxy} ${kind === "install" ? "set" : kind} ${addresses ?? ""}`;
}
