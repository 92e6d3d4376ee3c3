// What the kernel counts for this process: its CPU time, memory, files and age (proc(5)).

import { openDescriptors, readSpecial } from "../kernel/special_files.ts";
import type { ProcessFacts } from "../serve/process_metrics.ts";

/** Clock ticks in a second, and bytes in a page: the same on x86_64 and aarch64 as Debian builds them. */
const TICKS = 100;
const PAGE_BYTES = 4096;

/** Fields of /proc/self/stat, counted from the one after the name. */
const STAT = {
  userTicks: 11,
  systemTicks: 12,
  startedTicks: 19,
  virtualBytes: 20,
  residentPages: 21,
} as const;

/** Reads the facts. Throws {@link SystemError}. */
export function processFacts(): ProcessFacts {
  // The name may contain spaces and parentheses.
  const stat = readSpecial("/proc/self/stat").replace(/^.*\) /s, "").split(" ").map(Number);
  const bootedAt = Number(/^btime (\d+)/m.exec(readSpecial("/proc/stat"))?.[1]);
  return {
    cpuSeconds: (stat[STAT.userTicks]! + stat[STAT.systemTicks]!) / TICKS,
    residentBytes: stat[STAT.residentPages]! * PAGE_BYTES,
    virtualBytes: stat[STAT.virtualBytes]!,
    startedAt: bootedAt + stat[STAT.startedTicks]! / TICKS,
    descriptors: openDescriptors(),
    descriptorsMax: descriptorsMax(),
  };
}

/** How many files this process may have open. Throws {@link SystemError}. */
export function descriptorsMax(): number {
  return Number(/^Max open files +(\d+)/m.exec(readSpecial("/proc/self/limits"))?.[1] ?? Infinity);
}
