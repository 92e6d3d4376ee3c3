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
    const { restoring: { causes, missing }, state } = this;
    const places = inOrder(this.#places);
    const listed = causes.get(name);
    const known = listed?.length === places.length ? listed : undefined;
    for (let i = 0; i < places.length; i++) {
      const place = places[i]!;
      if (known !== undefined) state.desired.get(place[0])!.setCause(place[1], known[i]!);
    }
    if (known !== undefined) missing.delete(name);
  }
}

/**
 * Enters the causes that are still missing, once all Services are settled. They are those of Services that lost a frontend to
 * one that was settled after them, and of those whose elements came in steps.
 */
export function enterMissingCauses(state: ClusterState, { causes, missing }: Restoring): void {
  for (const name of missing) {
    const places = elementsOf(state, name);
    const listed = causes.get(name);
    // A snapshot of another version may have no causes, or those of other elements.
    if (places.length !== listed?.length) continue;
    places.forEach(([path, key], i) => state.desired.get(path)!.setCause(key, listed[i]!));
  }
}
