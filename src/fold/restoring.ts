// The causes of elements while a state is made from a snapshot. A snapshot lists the causes of a Service's elements in the order
// of their paths and keys. Nearly always they are those that the Service's rules put, so they are entered with them. Why not
// after all rules? Then every element would be made, looked up and entered twice: a fifth of the time of a start.

import type { ServiceName } from "../kube/service_name.ts";
import type { Offset } from "../ledger/record.ts";
import type { ClusterState } from "./cluster_state.ts";
import type { Put } from "./resource.ts";
import { type ElementPlace, elementsOf, inOrder } from "./service_elements.ts";

/** What a state that is being made from a snapshot knows about causes. */
export interface Restoring {
  /** The causes of the elements of each Service that the snapshot lists, ordered as {@link elementsOf}. */
  readonly causes: ReadonlyMap<ServiceName, readonly Offset[]>;
  /** Services whose elements do not have these causes yet. */
  readonly missing: Set<ServiceName>;
}

/** The state of {@link Restoring} before any Service is settled. */
export function newRestoring(causes: ReadonlyMap<ServiceName, readonly Offset[]>): Restoring {
  return { causes, missing: new Set(causes.keys()) };
}

/** Puts the elements of one Service, and then enters their causes: those that the snapshot lists, or else `offset`. */
export class RestoredElements {
  #places: ElementPlace[] = [];

  constructor(readonly state: ClusterState, readonly offset: Offset, readonly restoring: Restoring) {}

  /** Puts an element, or removes it for undefined. */
  readonly put: Put = (path, key, element) => {
    const set = this.state.desired.get(path)!;
    if (element === undefined) {
      set.delete(key);
      this.#places = this.#places.filter(([ofPath, ofKey]) => ofPath !== path || ofKey !== key);
    } else {
      set.put(element, this.offset);
      this.#places.push([path, key]);
    }
  };

  /** Enters the causes of what was put for Service `name`. */
  enterCauses(name: ServiceName): void {
    const { causes, missing } = this.restoring;
    if (setCauses(this.state, inOrder(this.#places), causes.get(name))) missing.delete(name);
  }
}

/** Gives the elements at `places` their `causes`. A snapshot of another version may have none, or those of other elements: then false. */
function setCauses(
  { desired }: ClusterState,
  places: readonly ElementPlace[],
  causes: readonly Offset[] | undefined,
): boolean {
  if (places.length !== causes?.length) return false;
  places.forEach(([path, key], i) => desired.get(path)!.setCause(key, causes[i]!));
  return true;
}

/**
 * Enters the causes that are still missing, once all Services are settled. They are those of Services that lost a frontend to
 * one that was settled after them, and of those whose elements came in steps.
 */
export function enterMissingCauses(state: ClusterState, { causes, missing }: Restoring): void {
  for (const name of missing) setCauses(state, elementsOf(state, name), causes.get(name));
}
