// Joins the first lists of all resources into one, so that no Service is applied without its endpoints because their list
// comes later. Until every resource is listed, each list is a part of one list, and changes wait. Afterwards batches pass
// unchanged. Pure.

import type { ObjectKind } from "../kube/objects.ts";
import { isPart, type SourceBatch } from "./source.ts";

/** Which lists are missing. Only {@link gatherLists} changes it. */
export interface Gathering {
  /** How many resources are not listed yet. */
  missing: number;
  readonly listed: Set<ObjectKind>;
  /** Batches that wait until every resource is listed. */
  readonly early: SourceBatch[];
}

/** Waits for the lists of as many `resources`; 0 where the caller knows the cluster already and needs no list first. */
export function newGathering(resources: number): Gathering {
  return { missing: resources, listed: new Set(), early: [] };
}

/** Takes the next batch; returns the batches that can be applied now, in order. */
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
