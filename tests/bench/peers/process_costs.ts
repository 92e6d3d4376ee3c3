// CPU time and memory of a process, and whether it is idle (proc(5)).

import assert from "node:assert/strict";
import type { Kernel } from "../../../src/kernel/kernel.ts";
import { until } from "../../support/until.ts";

const CLOCK_TICKS = 100;
const SETTLED_MILLISECONDS = 3000;
const SYNC_MILLISECONDS_MAX = 900_000;
/** How often the process is looked at, and at least the kernel. */
const LOOK_MILLISECONDS = 50;
/** A process rests when it has needed no more CPU time than this for so long. */
const RESTING_MILLISECONDS = 2000;
const RESTING_CPU_SECONDS = 0.03;

/** Bytes in memory: all, and those that no file backs, which the kernel cannot reclaim. */
export interface Memory {
  readonly resident: number;
  readonly anonymous: number;
}

/**
 * The time of the last commit before the proxy was idle for a while: the end of the sync. It is late by a hundredth of what has passed
 * since the call, at most.
 */
export async function settled(kernel: Pick<Kernel, "generation">, pid: number): Promise<number> {
  const first = kernel.generation();
  const begin = performance.now();
  let [seen, cpu] = [first, cpuSeconds(pid)];
  let [at, quiet, looked] = [begin, begin, begin];
  for (let now = begin; seen === first || now - quiet <= SETTLED_MILLISECONDS; now = performance.now()) {
    assert.ok(now - begin < SYNC_MILLISECONDS_MAX, "the sync is over");
    const generation = kernel.generation();
    if (generation !== seen) [seen, at, quiet] = [generation, now, now];
    if (now - looked >= LOOK_MILLISECONDS) {
      const spent = cpuSeconds(pid);
      if (spent > cpu + 0.05) quiet = now;
      [cpu, looked] = [spent, now];
    }
    await new Promise((resolve) => setTimeout(resolve, Math.min(LOOK_MILLISECONDS, (now - begin) / 100)));
  }
  return at;
}

/** Waits until process `pid` rests: what follows a load, such as a snapshot, is done in short steps with pauses between them. */
export async function idle(pid: number): Promise<void> {
  let cpu = cpuSeconds(pid);
  await until("the proxy rests", async () => {
    await new Promise((resolve) => setTimeout(resolve, RESTING_MILLISECONDS));
    const spent = cpuSeconds(pid) - cpu;
    cpu += spent;
    return spent <= RESTING_CPU_SECONDS;
  }, 900_000);
}

/** User and system time of a process and its children, also of ended ones (proc(5), stat fields 14 to 17). */
export function cpuSeconds(pid: number): number {
  try {
    const fields = Deno.readTextFileSync(`/proc/${pid}/stat`).replace(/^.*\) /, "").split(" ");
    const own = fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / CLOCK_TICKS;
    return own + childrenOf(pid).reduce((sum, child) => sum + cpuSeconds(child), 0);
  } catch (error) {
    // A program that ends while it is looked at: its folder is gone (ENOENT), or reading it fails (ESRCH).
    if (["ENOENT", "ESRCH"].includes((error as { code?: string }).code ?? "")) return 0;
    throw error;
  }
}

function childrenOf(pid: number): number[] {
  const tasks = [...Deno.readDirSync(`/proc/${pid}/task`)];
  return tasks.flatMap(({ name }) =>
    Deno.readTextFileSync(`/proc/${pid}/task/${name}/children`).trim().split(" ").filter((child) =>
      child !== ""
    )
      .map(Number)
  );
}

/** The present memory of process `pid`. */
export function memoryOf(pid: number): Memory {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  const bytes = (field: string) => Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)![1]) * 1024;
  return { resident: bytes("VmRSS"), anonymous: bytes("RssAnon") };
}
