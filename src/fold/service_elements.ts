// Which elements a Service has, and which Service has an element.

import type { ServiceName } from "../kube/service_name.ts";
import type { ElementKey, SetPath } from "../nft/ruleset.ts";
import { holderOf } from "./claims.ts";
import type { ClusterState } from "./cluster_state.ts";
import { changeResource } from "./resource.ts";

/** Where an element is. */
export type ElementPlace = readonly [SetPath, ElementKey];

/** `places`, ordered by path and key. They are sorted in place. */
export function inOrder(places: ElementPlace[]): readonly ElementPlace[] {
  return places.sort(([a, x], [b, y]) => a < b ? -1 : a > b ? 1 : x < y ? -1 : 1);
}

/** The elements of Service `name`, ordered by path and key. */
export function elementsOf(
  state: Pick<ClusterState, "programs" | "claims">,
  name: ServiceName,
): readonly ElementPlace[] {
  const places: ElementPlace[] = [];
  for (const [claim, resource] of state.programs.get(name)?.resources ?? []) {
    if (holderOf(state, claim) !== name) continue;
    changeResource(undefined, resource, (path, key, element) => {
      if (element !== undefined) places.push([path, key]);
    });
  }
  return inOrder(places);
}

/**
 * The Service that holds the element at `key` of `path`. Costs the size of the cluster: it is asked for after a
 * rejection only, and an index of all elements would cost memory all the time.
 */
export function ownerOfElement(state: ClusterState, path: SetPath, key: ElementKey): ServiceName | undefined {
  for (const [name, { resources }] of state.programs) {
    for (const resource of resources.values()) {
      let found = false;
      changeResource(undefined, resource, (at, of) => found ||= at === path && of === key);
      if (found) return name;
    }
  }
  return undefined;
}
