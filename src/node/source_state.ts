// Folds everything that a source lists, without a ledger: the state that a node would have.

import { type ClusterState, emptyState } from "../fold/cluster_state.ts";
import { foldRecord } from "../fold/fold.ts";
import { relist } from "../ingest/relist.ts";
import type { Placed } from "../ledger/reader.ts";
import { type LedgerRecord, offsetOf } from "../ledger/record.ts";
import { type ConfigOptions, settings } from "./config.ts";
import { log } from "./log.ts";
import { apiClient, openSource } from "./sources.ts";
import { BOUNDS_WITHOUT_STEPS } from "../kube/bounds.ts";
import { configRecord } from "./start.ts";

/** The state that a source has now, and the records that it was folded from, which are in memory alone. */
export interface SourceState {
  readonly state: ClusterState;
  readonly lookup: (offset: number) => Placed | undefined;
}

/** The state of everything that the source of `options` lists now. Throws UsageError. */
export async function stateOfSource(options: ConfigOptions): Promise<SourceState> {
  const records: LedgerRecord[] = [];
  const state = emptyState();
  const take = (record: LedgerRecord) => foldRecord(state, offsetOf(records.push(record) - 1), record);
  const inForce = settings(options);
  take({ ...configRecord(inForce), bounds: BOUNDS_WITHOUT_STEPS });
  const source = openSource(inForce, true, apiClient(inForce));
  for await (const batch of source.batches(new AbortController().signal)) {
    for (const problem of batch.problems) log.warn(problem);
    const events = batch.kind === "events" ? batch.events : relist(state.objects, batch);
    for (const event of events) take({ kind: "event", ...event });
  }
  // Without a ledger the records have no file. `why` finds the causes of elements in memory.
  const lookup = (offset: number) => {
    const record = records[offset];
    return record && { offset: offsetOf(offset), record };
  };
  return { state, lookup };
}
