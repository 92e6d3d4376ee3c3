// Metrics about the program itself: the problems that /healthz names, faults, restarts, dropped log lines, and its servers.

import { Counter, Gauge, type Registry } from "./prometheus.ts";
import { CLOSINGS } from "./connections.ts";
import type { HttpNotes } from "./http_server.ts";
import { HEALTH_PROBLEMS, type HealthProblem } from "./problems.ts";

/** The servers, as the label `server` names them. */
export const SERVERS = ["health", "health-check", "metrics"] as const;
export type ServerName = (typeof SERVERS)[number];

/** Where a fault was noticed: thrown, a rejected promise, in the answer to a request, or in the loop. */
export const FAULTS = ["exception", "rejection", "answer", "loop"] as const;
export type FaultKind = (typeof FAULTS)[number];

/** Counts for the parts of the program. */
export interface ConditionMetrics {
  /** Counts for one of the servers. `failed` receives what was thrown while an answer was made. */
  notes(server: ServerName, failed: (error: unknown) => void): HttpNotes;
  /** Counts a fault. */
  faulted(kind: FaultKind): void;
  /** Counts a restart of the loop after a fault. */
  restarted(): void;
}

/** Values that are read when a scraper reads the metrics. */
export interface ConditionGauged {
  problems(): readonly HealthProblem[];
  /** How many assertions are checked, and those that are broken; absent where there are none. */
  assertions?(): { readonly count: number; readonly broken: readonly unknown[] };
  /** Log lines that were dropped since the start. */
  droppedLines(): number;
}

/** Adds the metrics to `registry`. Every series is there from the start, so that `rate()` sees the first event too. */
export function conditionMetrics(
  registry: Registry,
  gauged: ConditionGauged,
): ConditionMetrics {
  const registers = [registry];
  addGauges(registry, gauged);
  const faults = new Counter({
    name: "ledgerproxy_faults_total",
    help: "Errors that nothing caught, by how they were noticed",
    labelNames: ["kind"] as const,
    registers,
  });
  const restarts = new Counter({
    name: "ledgerproxy_restarts_total",
    help: "Restarts in place after a fault",
    registers,
  });
  const closed = new Counter({
    name: "ledgerproxy_http_connections_closed_total",
    help: "Connections closed without an answer: too many at once, too slow, or no HTTP",
    labelNames: ["server", "reason"] as const,
    registers,
  });
  const refused = new Counter({
    name: "ledgerproxy_http_accept_failures_total",
    help: "Connections that were not accepted, because descriptors or memory were lacking",
    labelNames: ["server"] as const,
    registers,
  });
  for (const kind of FAULTS) faults.inc({ kind }, 0);
  for (const server of SERVERS) {
    refused.inc({ server }, 0);
    for (const reason of CLOSINGS) closed.inc({ server, reason }, 0);
  }
  return {
    notes: (server, failed) => ({
      closed: (reason) => closed.inc({ server, reason }),
      acceptFailed: () => refused.inc({ server }),
      failed,
    }),
    faulted: (kind) => faults.inc({ kind }),
    restarted: () => restarts.inc(),
  };
}

/** Adds metrics whose values are read when a scraper reads them, so that they are never stale. */
function addGauges(registry: Registry, { problems, assertions, droppedLines }: ConditionGauged): void {
  const registers = [registry];
  new Gauge({
    name: "ledgerproxy_problem",
    help: "1 for each reason that /healthz names, else 0",
    labelNames: ["reason"] as const,
    registers,
    collect() {
      const found = problems();
      for (const reason of HEALTH_PROBLEMS) this.set({ reason }, found.includes(reason) ? 1 : 0);
    },
  });
  new Gauge({
    name: "ledgerproxy_assertions",
    help: "Assertions of run --assert, by whether they hold",
    labelNames: ["result"] as const,
    registers,
    collect() {
      const { count, broken } = assertions?.() ?? { count: 0, broken: [] };
      this.set({ result: "holds" }, count - broken.length);
      this.set({ result: "broken" }, broken.length);
    },
  });
  new Counter({
    name: "ledgerproxy_log_lines_dropped_total",
    help: "Lines of the log that standard error did not take",
    registers,
    collect() {
      // A counter can only grow, and the log counts by itself: the value is set by counting anew from 0.
      this.reset();
      this.inc(droppedLines());
    },
  });
}
