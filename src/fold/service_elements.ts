// Which elements a Service has, and which Service has an element.

import type { ServiceName } from "../kube/service_name.ts";
import type { ElementKey, SetPath } from "../nft/ruleset.ts";
import { SORTED_AT_ONCE } from "../limits/rules.ts";
import { holderOf } from "./claims.ts";
import type { ClusterState } from "./cluster_state.ts";
import type { ReadByKey } from "./kept_map.ts";
import { changeResource } from "./resource.ts";
import type { ServiceProgram } from "./service_program.ts";
import { sortInSteps } from "./sorting.ts";

/** Where an element is. */
export type ElementPlace = readonly [SetPath, ElementKey];

/** Up to so many places are inserted one by one: the runtime's sort takes longer to begin. Nearly all Services have fewer. */
const FEW = 16;

/** `places`, ordered by path and key. They are sorted in place. */
export function inOrder(places: ElementPlace[]): readonly ElementPlace[] {
  if (places.length > FEW) return places.sort(compare);
  for (let i = 1; i < places.length; i++) {
    const place = places[i]!;
    let at = i;
    for (; at > 0 && compare(places[at - 1]!, place) > 0; at--) places[at] = places[at - 1]!;
    places[at] = place;
  }
  return places;
}

/** By index and not by pattern: a start compares the places of every Service, and a pattern makes an iterator for each. */
function compare(a: ElementPlace, b: ElementPlace): number {
  return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : a[1] < b[1] ? -1 : 1;
}

/** What of a ClusterState says which elements a Service has, now or at the moment of a snapshot. */
interface Elements {
  readonly programs: ReadByKey<ServiceName, ServiceProgram>;
  readonly claims: Pick<ReadByKey<string, readonly ServiceName[]>, "get">;
}

/** The elements of Service `name`, ordered by path and key. */
export function elementsOf(state: Elements, name: ServiceName): readonly ElementPlace[] {
  const work = elementsInSteps(state, name);
  let step = work.next();
  while (!step.done) step = work.next();
  return step.value;
}

/** As {@link elementsOf}; yields where the caller may pause. */
export function* elementsInSteps(
  state: Elements,
  name: ServiceName,
): Generator<undefined, readonly ElementPlace[]> {
  const places: ElementPlace[] = [];
  let pauseAt = SORTED_AT_ONCE;
  for (const resource of state.programs.get(name)?.resources.all ?? []) {
    if (holderOf(state, resource.claim) !== name) continue;
    changeResource(undefined, resource, (path, key, element) => {
      if (element !== undefined) places.push([path, key]);
    });
    if (places.length < pauseAt) continue;
    yield;
    pauseAt = places.length + SORTED_AT_ONCE;
  }
  return yield* sortInSteps(places, compare);
}

/**
 * The Service that holds the element at `key` of `path`. Costs the size of the cluster: it is asked for after a
 * rejection only, and an index of all elements would cost memory all the time.
 */
export function ownerOfElement(state: ClusterState, path: SetPath, key: ElementKey): ServiceName | undefined {
  for (const [name, { resources }] of state.programs) {
    for (const resource of resources.all) {
      let found = false;
      changeResource(undefined, resource, (at, of) => found ||= at === path && of === key);
      if (found) return name;
    }
  }
  return undefined;
}
