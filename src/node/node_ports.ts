// The ports through which the loop of a node acts. Reports go to the log, the metrics and the API server.

import type { Ports } from "../engine/ports.ts";
import type { SyncReport } from "../engine/sync_report.ts";
import type { LedgerFailure } from "../ledger/ledger.ts";
import { failureText } from "../serve/problems.ts";
import { log } from "./log.ts";
import { movedEvents } from "./moved_events.ts";
import type { Served } from "./serving.ts";

/** The ports of a loop with these `parts`. `say` receives each report of a commit that the log is to have. */
export function portsOf(
  parts: Pick<Ports, "kernel" | "conntrack" | "monitor" | "ledger">,
  served: Served,
  say: (report: SyncReport) => void,
): Ports {
  return {
    ...parts,
    meter: served.metrics,
    unnoticed: (transaction) => served.counting.unnoticed(transaction),
    ledgerChanged: logLedgerFailure,
    driftChanged: (drift) => served.drift = drift,
    now: () => new Date().toISOString(),
    report(report) {
      served.lastUpdated = Date.now();
      served.metrics.noteSync(report);
      served.assertions?.noteSync(report.triggers, served.lastUpdated);
      const { cluster } = served.engine;
      const events = [...movedEvents(report.moved, cluster), ...served.aside.next(cluster)];
      for (const event of events) served.sendEvent(event);
      // Steps take many commits: the last one is logged, and those that bring other changes.
      const isStep = report.unfinished > 0 && report.records === 1;
      if (report.operations > 0 && !isStep) say(report);
    },
    warn: (text, about) => served.warnings.warn(text, about),
  };
}

/** Logs that the ledger's disk begins to fail, or works again. */
function logLedgerFailure(failure: LedgerFailure | undefined): void {
  if (failure === undefined) log.info("the ledger is written again: nothing is missing");
  else {
    const why = failureText(failure);
    log.error(`the ledger cannot be written: ${why}; rules are still applied, and records wait in memory`);
  }
}
