// Folds everything that a source lists, without a ledger: the state that a node would have.

import { emptyState } from "../fold/cluster_state.ts";
import { foldRecord } from "../fold/fold.ts";
import type { PastState } from "../history/past.ts";
import { relist } from "../ingest/relist.ts";
import { type LedgerRecord, offsetOf } from "../ledger/record.ts";
import { type ConfigOptions, settings } from "../node/config.ts";
import { log } from "../node/log.ts";
import { apiClient, openSource } from "../node/sources.ts";
import { BOUNDS_WITHOUT_STEPS } from "../kube/bounds.ts";
import { configRecord } from "../node/start.ts";

/** The state of everything that the source of `options` lists now. Its records stay in memory. Throws UsageError. */
export async function stateOfSource(options: ConfigOptions): Promise<PastState> {
  const records: LedgerRecord[] = [];
  const state = emptyState();
  const take = (record: LedgerRecord) => foldRecord(state, offsetOf(records.push(record) - 1), record);
  const inForce = settings(options);
  take({ ...configRecord(inForce), bounds: BOUNDS_WITHOUT_STEPS });
  const source = openSource(inForce, true, apiClient(inForce));
  for await (const batch of source.batches(new AbortController().signal)) {
    for (const problem of batch.problems) log.warn(problem);
    const events = batch.kind === "events"
      ? batch.events
      : relist(state.objects, batch.objects, batch.complete, batch.time, batch.kinds);
    for (const event of events) take({ kind: "event", ...event });
  }
  // Without a ledger the records have no file. `why` finds the causes of elements in memory.
  const lookup = (offset: number) => {
    const record = records[offset];
    return record && { offset: offsetOf(offset), record };
  };
  return { state, lookup };
}
