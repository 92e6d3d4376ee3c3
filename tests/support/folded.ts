// The state that some records lead to.

import { type ClusterState, emptyState } from "../../src/fold/cluster_state.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import type { LedgerRecord, Offset } from "../../src/ledger/record.ts";

/** The state after `records`, the first of which has offset 0. */
export function folded(...records: LedgerRecord[]): ClusterState {
  const state = emptyState();
  records.forEach((record, offset) => foldRecord(state, offset as Offset, record));
  return state;
}
