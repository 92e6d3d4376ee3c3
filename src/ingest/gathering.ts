// Joins the first lists of all resources into one, so that no Service is applied without its endpoints because their list
// comes later. The lists may arrive in any order. Those that rules need are handed on in the order of their resources, slices
// before Services, so that each Service is settled once. Until every resource is listed, each list is a part of one list, and
// changes wait. Afterwards batches pass unchanged. Pure.

import { assert } from "../invariant.ts";
import type { ObjectKind } from "../kube/objects.ts";
import type { ApiResource } from "./resources.ts";
import { isPart, type ListBatch, type SourceBatch } from "./source.ts";

/** Which lists are missing. Only {@link gatherLists} changes it. */
export interface Gathering {
  /** The kinds whose lists were not handed on yet, those first that need not wait for another. */
  readonly missing: ObjectKind[];
  /** The kinds that are handed on in their order. */
  readonly ordered: ReadonlySet<ObjectKind>;
  /** The kinds whose lists have arrived. */
  readonly listed: Set<ObjectKind>;
  /** Lists and parts of them that wait for the lists of kinds before theirs. */
  waiting: ListBatch[];
  /** Batches that wait until every resource is listed. */
  readonly early: SourceBatch[];
}

/** Waits for the lists of `resources`; of none where the caller knows the cluster already and needs no list first. */
export function newGathering(resources: readonly Pick<ApiResource, "kind" | "needed">[]): Gathering {
  const kinds = (needed: boolean) => resources.filter((one) => one.needed === needed).map(({ kind }) => kind);
  return {
    missing: [...kinds(false), ...kinds(true)],
    ordered: new Set(kinds(true)),
    listed: new Set(),
    waiting: [],
    early: [],
  };
}

/** Takes the next batch; returns the batches that can be applied now, in order. */
export function gatherLists(state: Gathering, batch: SourceBatch): SourceBatch[] {
  if (state.missing.length === 0) return [batch];
  if (batch.kind === "events" && batch.events.length === 0) return [batch];
  if (batch.kind === "events" || state.listed.has(kindOf(batch))) {
    state.early.push(batch);
    return [];
  }
  state.waiting.push(batch);
  if (!isPart(batch)) state.listed.add(kindOf(batch));
  return handOn(state);
}

/** The lists whose turn it is, and everything that waits once no list is missing. */
function handOn(state: Gathering): SourceBatch[] {
  const { missing, ordered, listed, early } = state;
  const ready: SourceBatch[] = [];
  for (const kind of [...missing]) {
    const own = state.waiting.filter((batch) => kindOf(batch) === kind);
    state.waiting = state.waiting.filter((batch) => kindOf(batch) !== kind);
    if (listed.has(kind)) missing.splice(missing.indexOf(kind), 1);
    const last = missing.length === 0;
    ready.push(...own.map((batch) => last || isPart(batch) ? batch : { ...batch, part: true } as const));
    if (ordered.has(kind) && !listed.has(kind)) break;
  }
  return missing.length > 0 ? ready : [...ready, ...early.splice(0)];
}

/** The one kind of a list from an API server. */
function kindOf({ kinds }: ListBatch): ObjectKind {
  const [kind] = kinds ?? [];
  assert(kind !== undefined, "a list from an API server has one kind");
  return kind;
}
