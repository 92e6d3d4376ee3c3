// What the metrics of a process show in tests.

import { newMetrics } from "../../src/serve/metrics.ts";

/** Facts of a process, and versions. */
export const PROCESS = {
  process: () => ({
    cpuSeconds: 1.5,
    residentBytes: 4096,
    virtualBytes: 8192,
    startedAt: 100.25,
    descriptors: 12,
    descriptorsMax: 1024,
  }),
  build: { version: "1.2.3" },
};

/** Metrics of a program that has done nothing yet. */
export function idleMetrics(): ReturnType<typeof newMetrics> {
  return newMetrics({
    status: () => [],
    gathered: () => ({ services: 0, endpoints: 0 }),
    ledger: () => undefined,
    problems: () => [],
    droppedLines: () => 0,
    ...PROCESS,
  });
}
