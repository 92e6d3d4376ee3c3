// What the engine makes of a batch from the source: records to append, or a list that is held until another confirms it.

import type { ClusterState } from "../fold/cluster_state.ts";
import { largeRemoval, news, relist } from "../ingest/relist.ts";
import { isPart, type ListBatch, type SourceBatch, speaksOfCluster } from "../ingest/source.ts";
import { describeKey, type KubeObject, objectKey, type WatchEvent } from "../kube/objects.ts";
import type { Effect, EngineState } from "./engine.ts";
import { heldListRecord, heldListText, removalText } from "./held_list.ts";

/** Takes `batch` into `state` and returns what must be done. */
export function takeBatch(state: EngineState, batch: SourceBatch): Effect[] {
  state.listed = false;
  const held = batch.kind === "list" ? judgeList(state, batch) : { taken: true, effects: [] };
  if (!held.taken) return held.effects;
  const events = eventsOf(state.cluster, batch);
  if (speaksOfCluster(batch, state.standsUnknown)) {
    state.synced = !isPart(batch);
    if (state.synced) state.standsUnknown = false;
  }
  const warnings = batch.problems.map((text): Effect => ({ kind: "warn", text }));
  if (events.length === 0) return [...held.effects, ...warnings];
  const records = events.map((event) => ({ kind: "event", ...event } as const));
  return [...held.effects, ...warnings, { kind: "append", records }];
}

function eventsOf({ objects }: ClusterState, batch: SourceBatch): WatchEvent[] {
  if (batch.kind === "events") return news(objects, batch.events);
  const { complete, time, kinds } = batch;
  // A fragment of a list only adds: what it changes is judged with the whole.
  const isNew = (object: KubeObject) => !objects.has(describeKey(objectKey(object)));
  const listed = batch.fragment ? batch.objects.filter(isNew) : batch.objects;
  return relist(objects, listed, complete, time, kinds, batch);
}

/**
 * Whether `list` is taken: one that would remove much only where it confirms the one before it. Two lists that contradict
 * each other as much confirm nothing.
 */
function judgeList(state: EngineState, list: ListBatch): { taken: boolean; effects: Effect[] } {
  if (list.confirms === undefined) return { taken: true, effects: [] };
  const [kind] = list.kinds!;
  const removal = largeRemoval(state.cluster.objects, list);
  const before = state.held.get(kind!);
  const confirmed = list.confirms && before !== undefined && largeRemoval(before.listed, list) === undefined;
  const taken = removal === undefined || confirmed;
  if (removal === undefined && before === undefined) return { taken, effects: [] };
  const outcome = !taken ? "held" : removal === undefined ? "withdrawn" : "confirmed";
  const about = removal ?? before!;
  if (taken) state.held.delete(kind!);
  else state.held.set(kind!, { ...about, listed: byName(list.objects) });
  const effects: Effect[] = [
    { kind: "warn", text: heldListText(kind!, about, outcome) },
    { kind: "append", records: [heldListRecord(kind!, about, outcome, list.time)] },
  ];
  if (!taken) effects.push({ kind: "confirm", resource: kind!, why: removalText(about) });
  return { taken, effects };
}

function byName(objects: readonly KubeObject[]): ReadonlyMap<string, KubeObject> {
  return new Map(objects.map((object) => [describeKey(objectKey(object)), object]));
}
