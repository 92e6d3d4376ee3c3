// Folds the records that were appended, and keeps of their changes what the next commit needs.

import { type FoldChanges, noChanges, touch } from "../fold/fold_changes.ts";
import { foldRecord } from "../fold/fold.ts";
import { remarks } from "../fold/remarks.ts";
import { guardedFrontends } from "../fold/tightened.ts";
import { udpFrontends } from "../fold/udp_frontends.ts";
import type { WatchEvent } from "../kube/objects.ts";
import type { LedgerRecord, Offset } from "../ledger/record.ts";
import { type Effect, warningAbout } from "./effect.ts";
import type { EngineState } from "./engine_state.ts";
import { toBeRebuilt } from "./kernel_tables.ts";
import { countEvent } from "./sync_report.ts";

/** Folds `records`, the first of which has offset `first`, and returns what the log should say about them. */
export function foldAppended(
  state: EngineState,
  first: Offset,
  records: readonly LedgerRecord[],
): Effect[] {
  const { cluster } = state;
  const skeleton = cluster.tables;
  const held = state.tables;
  // A rebuild commits every element.
  const changes = noChanges(held.kind === "in place");
  state.appendedOffset = first + records.length - 1;
  // All events are counted before any is folded: a trigger time is compared with the state before the batch.
  for (const record of records) {
    countEvent(state.gathered, cluster, record);
    if (record.kind === "event" && record.value === null) noteDeletion(state, record);
  }
  records.forEach((record, i) => foldRecord(cluster, (first + i) as Offset, record, changes));
  if (cluster.tables !== skeleton && held.kind === "in place") {
    state.tables = toBeRebuilt(held, skeleton, held.listed);
  }
  keepChanges(state, changes);
  return remarks(cluster, changes).map(({ text, services }) => warningAbout(services, text));
}

/** The tables may have been in place until the skeleton changed: a rebuild does not need what was touched. */
function keepChanges(state: EngineState, { touched, staleFlows, tightened }: FoldChanges): void {
  if (state.tables.kind === "in place") {
    for (const [set, keys] of touched) {
      for (const [key, cause] of keys) touch(state.touched, set, key, cause);
    }
  }
  for (const [claim, frontend] of staleFlows) state.staleFlows.set(claim, frontend);
  for (const [claim, frontend] of tightened) state.tightened.set(claim, frontend);
}

/**
 * Notes the flows of all frontends: rules were absent, or an earlier process may have ended before it forgot flows. What began
 * meanwhile was led nowhere, or where no endpoint is any more. The next packets of such a flow would go there too, for as long as
 * its client sends.
 */
export function noteAllFlows({ cluster, staleFlows, tightened }: EngineState): void {
  for (const [claim, frontend] of udpFrontends(cluster)) staleFlows.set(claim, frontend);
  for (const [claim, frontend] of guardedFrontends(cluster)) tightened.set(claim, frontend);
}

/** A deleted object has no version in the state any more, and a watch must not resume before it (`knownVersions`). */
function noteDeletion({ deletions }: EngineState, { key, resourceVersion }: WatchEvent): void {
  const version = Number(resourceVersion);
  if (version > 0) deletions.set(key.kind, version);
}
