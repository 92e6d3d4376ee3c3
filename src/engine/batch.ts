// What the engine makes of a batch from the source: records to append. The removals of a list that removes much are held until
// another list confirms it. A list becomes events here, so the ledger contains events alone. They are appended in portions: after a
// break thousands of objects may have changed, and the loop would be blocked while all are folded and committed together.

import { assert } from "../invariant.ts";
import type { ClusterState } from "../fold/cluster_state.ts";
import { portionEnd } from "../ingest/portions.ts";
import {
  compareList,
  type Comparison,
  inOrderOfVersions,
  knownObjects,
  largeRemoval,
  news,
  relist,
  replacesSlices,
  withoutRemovals,
} from "../ingest/relist.ts";
import { describesCluster, isPart, type ListBatch, type SourceBatch } from "../ingest/source.ts";
import type { WatchEvent } from "../kube/objects.ts";
import { type Effect, problemWarning, warning } from "./effect.ts";
import type { EngineState } from "./engine_state.ts";
import { heldListRecord, heldListText, removalText } from "./held_list.ts";
import { afterBatch } from "./kernel_tables.ts";

/** Returns what must be done about `batch`. The objects of the state change only once the records are appended. */
export function admitBatch(state: EngineState, batch: SourceBatch): Effect[] {
  assert(state.untaken.length === 0, "a batch came before the last list was taken");
  // Before the first commit everything is folded first. After it rules may follow any part of a list, as they follow a watch.
  const inPortions = state.synced;
  state.tables = afterBatch(state.tables);
  const { objects } = state.cluster;
  const compared = batch.kind === "list" ? compareList(objects, batch) : undefined;
  const held = batch.kind === "list" ? judgeList(state, batch, compared!) : { taken: true, effects: [] };
  // What a held list adds is needed now, and is as true as what a watch adds. Only its removals wait.
  const admitted = held.taken || batch.kind === "events" ? batch : withoutRemovals(objects, batch);
  const events = eventsOf(objects, admitted, admitted === batch ? compared : undefined);
  if (held.taken && describesCluster(batch, state.unknownPast)) {
    state.synced = !isPart(batch);
    if (state.synced) state.unknownPast = false;
  }
  const effects = [...held.effects, ...batch.problems.map(problemWarning)];
  if (batch.kind === "events" || !inPortions || replacesSlices(objects, events)) {
    return [...effects, ...appends(events)];
  }
  state.untaken = inOrderOfVersions(events);
  return [...effects, ...takePortion(state)];
}

/** Appends the next portion of what the last list changes, or `all` that is left. */
export function takePortion(state: EngineState, all = false): Effect[] {
  const { untaken } = state;
  const end = all || untaken.length === 0 ? untaken.length : portionEnd(untaken, 0);
  state.untaken = untaken.slice(end);
  if (end > 0) state.tables = afterBatch(state.tables);
  return appends(untaken.slice(0, end));
}

function appends(events: readonly WatchEvent[]): Effect[] {
  if (events.length === 0) return [];
  return [{ kind: "append", records: events.map((event) => ({ kind: "event", ...event } as const)) }];
}

function eventsOf(
  objects: ClusterState["objects"],
  batch: SourceBatch,
  made?: Comparison,
): WatchEvent[] {
  if (batch.kind === "events") return news(objects, batch.events);
  const compared = made ?? compareList(objects, batch);
  if (!batch.fragment) return relist(objects, batch, compared);
  // A fragment of a list only adds objects: what it would change or remove is decided with the whole list.
  const listed = compared.listed.filter((_, i) => compared.before[i] === undefined);
  return relist(objects, batch, { listed, before: [], missing: [] });
}

/**
 * Whether `list` is applied. One that would remove much is applied only if it confirms the list before it. Why not apply it
 * at once? A server that lost its data sends a short list, and the node would stop serving what still runs. A second list
 * that would remove as much of the first confirms nothing.
 */
function judgeList(
  state: EngineState,
  list: ListBatch,
  compared: Comparison,
): { taken: boolean; effects: Effect[] } {
  if (list.confirms === undefined) return { taken: true, effects: [] };
  const [kind] = list.kinds!;
  const removal = largeRemoval(state.cluster.objects, list, compared);
  const before = state.held.get(kind!);
  const confirmed = list.confirms && before !== undefined &&
    largeRemoval(before.listed, list) === undefined;
  const taken = removal === undefined || confirmed;
  if (removal === undefined && before === undefined) return { taken, effects: [] };
  const outcome = !taken ? "held" : removal === undefined ? "withdrawn" : "confirmed";
  const about = removal ?? before!;
  if (taken) state.held.delete(kind!);
  else state.held.set(kind!, { ...about, listed: knownObjects(list.objects) });
  const effects: Effect[] = [
    warning(heldListText(kind!, about, outcome)),
    { kind: "append", records: [heldListRecord(kind!, about, outcome, list.time)] },
  ];
  if (!taken) effects.push({ kind: "confirm", resource: kind!, why: removalText(about) });
  return { taken, effects };
}
