// What is read as events: of a full list, what has to change in what is known so that it equals the list. Pure, and in an
// order that depends on the objects alone.

import {
  describeKey,
  type KubeObject,
  OBJECT_KINDS,
  objectKey,
  type ObjectKind,
  type WatchEvent,
} from "../kube/objects.ts";
import { sameValue } from "../kube/equality.ts";

/**
 * Events that turn what is `known` (by describeKey) of `kinds` into `listed`. Objects that are not listed are deleted only
 * when the list is `complete`. An object whose content is unchanged gives no event.
 */
export function relist(
  known: ReadonlyMap<string, KubeObject>,
  listed: readonly KubeObject[],
  complete: boolean,
  time: string,
  kinds: readonly ObjectKind[] = OBJECT_KINDS,
): WatchEvent[] {
  const now = new Map(listed.map((object) => [describeKey(objectKey(object)), object]));
  const events: WatchEvent[] = [];
  for (const [name, object] of complete ? known : []) {
    if (now.has(name) || !kinds.includes(object.kind)) continue;
    events.push({ key: objectKey(object), value: null, resourceVersion: "", time });
  }
  for (const [name, object] of now) {
    if (sameValue(known.get(name), object)) continue;
    const resourceVersion = object.metadata.resourceVersion ?? "";
    events.push({ key: objectKey(object), value: object, resourceVersion, time });
  }
  return events.sort(compareEvents);
}

/** `events` without deletions of what is not there: a watch that is resumed may tell once more of what is gone. */
export function news(
  known: ReadonlyMap<string, KubeObject>,
  events: readonly WatchEvent[],
): WatchEvent[] {
  const added = new Set<string>();
  return events.filter(({ key, value }) => {
    const name = describeKey(key);
    if (value === null) return known.has(name) || added.has(name);
    return added.add(name);
  });
}

/** In the order of OBJECT_KINDS, then by namespace and name. */
function compareEvents({ key: a }: WatchEvent, { key: b }: WatchEvent): number {
  if (a.kind !== b.kind) return OBJECT_KINDS.indexOf(a.kind) - OBJECT_KINDS.indexOf(b.kind);
  if (a.namespace !== b.namespace) return a.namespace < b.namespace ? -1 : 1;
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
