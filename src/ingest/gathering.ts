// The first lists of all resources as one: no Service is to be taken for one without endpoints because their list comes later.
// Until each resource is listed, lists are parts of one and changes wait; then all goes on as it comes. Pure.

import type { ObjectKind } from "../kube/objects.ts";
import { isPart, type SourceBatch } from "./source.ts";

/** Changed in place by {@link gatherLists} alone. */
export interface Gathering {
  /** How many resources are still to be listed. */
  missing: number;
  readonly listed: Set<ObjectKind>;
  /** What came too early. */
  readonly early: SourceBatch[];
}

/** `resources`: how many are to be listed before anything else counts; 0 where the caller knows the cluster. */
export function newGathering(resources: number): Gathering {
  return { missing: resources, listed: new Set(), early: [] };
}

/** What can be taken now that `batch` has come, in order. */
export function gatherLists(state: Gathering, batch: SourceBatch): SourceBatch[] {
  if (state.missing === 0 || isPart(batch)) return [batch];
  if (batch.kind === "events" && batch.events.length === 0) return [batch];
  const [kind] = batch.kind === "list" ? batch.kinds! : [];
  if (batch.kind === "events" || state.listed.has(kind!)) {
    state.early.push(batch);
    return [];
  }
  state.listed.add(kind!);
  if (--state.missing > 0) return [{ ...batch, part: true }];
  return [batch, ...state.early.splice(0)];
}
