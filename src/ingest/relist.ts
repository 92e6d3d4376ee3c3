// Turns a full list into events: the changes that make the known objects equal to the list. Also decides whether a list
// removes so much that it must be confirmed. Pure. The order of the events depends only on the objects.

import { LARGE_REMOVAL_MIN } from "../limits/input.ts";
import {
  describeKey,
  type EndpointSlice,
  type KubeObject,
  OBJECT_KINDS,
  type ObjectKey,
  objectKey,
  type ObjectKind,
  type WatchEvent,
} from "../kube/objects.ts";
import { sameValue } from "../kube/equality.ts";
import { servicesOfEvent } from "../kube/named_services.ts";
import type { ListBatch } from "./source.ts";

/** The parts of a list that decide which events it becomes. */
type Listed = Pick<
  ListBatch,
  "objects" | "complete" | "time" | "kinds" | "unread" | "gone" | "resourceVersion"
>;

/** Objects by describeKey. */
export type NamedObjects = ReadonlyMap<string, KubeObject>;

/** `objects` by describeKey. To make these names is a third of the work of comparing a list. */
export function byName(objects: readonly KubeObject[]): NamedObjects {
  return new Map(objects.map((object) => [describeKey(objectKey(object)), object]));
}

/**
 * The events that turn the `known` objects (by describeKey) of the listed kinds into the listed ones. Objects that are not listed are
 * deleted only when the list is complete. An unchanged object gives no event. Deletions get the version of the list. `now`: the listed
 * objects by name.
 */
export function relist(
  known: NamedObjects,
  { objects, complete, time, kinds = OBJECT_KINDS, unread = [], gone = [], resourceVersion: version = "" }:
    Listed,
  now: NamedObjects = byName(objects),
): WatchEvent[] {
  const removed = complete
    ? missing(known, now, kinds, unread)
    : withoutListed(gone.flatMap((key) => known.get(describeKey(key)) ?? []), now, kinds, unread);
  const events = removed.map((object): WatchEvent => ({
    key: objectKey(object),
    value: null,
    resourceVersion: version,
    time,
  }));
  for (const [name, object] of now) {
    if (sameValue(known.get(name), object)) continue;
    const resourceVersion = object.metadata.resourceVersion ?? "";
    events.push({ key: objectKey(object), value: object, resourceVersion, time });
  }
  return events.sort(compareEvents);
}

/** The known objects of `kinds` that are not listed `now`, nor among those that could not be read. */
function missing(
  known: NamedObjects,
  now: NamedObjects,
  kinds: readonly ObjectKind[],
  unread: readonly ObjectKey[],
): KubeObject[] {
  let left = 0;
  for (const { kind } of known.values()) if (kinds.includes(kind)) left++;
  for (const [name, { kind }] of now) if (kinds.includes(kind) && known.has(name)) left--;
  // Nearly always all are listed. Then no name is made for each that is known.
  return left === 0 ? [] : withoutListed([...known.values()], now, kinds, unread);
}

function withoutListed(
  objects: readonly KubeObject[],
  now: NamedObjects,
  kinds: readonly ObjectKind[],
  unread: readonly ObjectKey[],
): KubeObject[] {
  const stays = new Set(unread.map(describeKey));
  return objects.filter((object) => {
    if (!kinds.includes(object.kind)) return false;
    const name = describeKey(objectKey(object));
    return !now.has(name) && !stays.has(name);
  });
}

/**
 * The events of a list in an order in which they may be cut anywhere. A start resumes each kind at the newest version that is known:
 * what is missing behind a cut must be newer. So deletions, after which nothing is known, come first, then values by their version.
 */
export function inOrderOfVersions(events: readonly WatchEvent[]): WatchEvent[] {
  const version = ({ value, resourceVersion }: WatchEvent) =>
    value === null ? -1 : Number(resourceVersion) || 0;
  return events.toSorted((a, b) =>
    OBJECT_KINDS.indexOf(a.key.kind) - OBJECT_KINDS.indexOf(b.key.kind) || version(a) - version(b)
  );
}

/**
 * Whether `events` remove a slice of a Service and add or change another one, where `known` are the objects before. Cut in between, as
 * deletions come first, the Service would have no endpoints for a while.
 */
export function replacesSlices(
  known: NamedObjects,
  events: readonly WatchEvent[],
): boolean {
  const slices = events.filter(({ key: { kind } }) => kind === "EndpointSlice");
  const losing = new Set(
    slices.filter(({ value }) => value === null).flatMap(({ key }) =>
      servicesOfEvent({ key, value: known.get(describeKey(key)) ?? null })
    ),
  );
  return slices.some((event) =>
    event.value !== null && servicesOfEvent(event).some((service) => losing.has(service))
  );
}

/**
 * `events` without those that change nothing: deletions of unknown objects, and values that are known. A resumed watch may
 * send both again, and a watch that begins without a version sends every object.
 */
export function news(
  known: NamedObjects,
  events: readonly WatchEvent[],
): WatchEvent[] {
  /** Values after the earlier events of this batch. */
  const newer = new Map<string, KubeObject | null>();
  return events.filter(({ key, value }) => {
    const name = describeKey(key);
    const before = newer.get(name) ?? (newer.has(name) ? undefined : known.get(name));
    if (value === null ? before === undefined : before !== undefined && isSame(before, value)) return false;
    newer.set(name, value);
    return true;
  });
}

/** Whether two values are equal. Values of different versions are not, so their content need not be compared. */
function isSame(a: KubeObject, b: KubeObject): boolean {
  return a.metadata.resourceVersion === b.metadata.resourceVersion && sameValue(a, b);
}

/** How many of the known Services, EndpointSlices or endpoints a list would remove. */
export interface Removal {
  readonly of: "Services" | "EndpointSlices" | "endpoints";
  readonly removed: number;
  readonly known: number;
}

/**
 * What `list` would remove, if that is more than half of the `known` Services, slices or endpoints, and more than a few. Such
 * a list may be wrong: it must be confirmed by a second one before anything is deleted. Undefined for all other lists. A list
 * that has no version is what a server made that is not an API server, or a wrong one: a single object is enough then. `listed`: its
 * objects by name.
 */
export function largeRemoval(
  known: NamedObjects,
  { objects, complete, kinds = OBJECT_KINDS, unread = [], resourceVersion }: ListBatch,
  listed: NamedObjects = byName(objects),
): Removal | undefined {
  const gone = complete ? missing(known, listed, kinds, unread) : [];
  const least = resourceVersion === undefined ? 1 : LARGE_REMOVAL_MIN;
  return [
    ...kinds.includes("Service") ? [removedObjects(known, "Service", gone)] : [],
    ...kinds.includes("EndpointSlice")
      ? [removedObjects(known, "EndpointSlice", gone), removedEndpoints(known, listed, gone)]
      : [],
  ].find(({ removed, known }) => removed >= least && removed * 2 > known);
}

/**
 * The part of `list` that removes nothing of the `known` objects: it may be applied before another list confirms the rest. A
 * slice that lacks endpoints of its known version stays as it was.
 */
export function withoutRemovals(known: NamedObjects, list: ListBatch): ListBatch {
  const keeps = (object: KubeObject) => {
    const before = known.get(describeKey(objectKey(object)));
    if (before?.kind !== "EndpointSlice" || object.kind !== "EndpointSlice") return true;
    const now = new Set(endpointNames(object));
    return endpointNames(before).every((endpoint) => now.has(endpoint));
  };
  return { ...list, objects: list.objects.filter(keeps), complete: false, gone: [] };
}

function removedObjects(
  known: NamedObjects,
  kind: "Service" | "EndpointSlice",
  gone: readonly KubeObject[],
): Removal {
  const count = (objects: Iterable<KubeObject>) => {
    let all = 0;
    for (const object of objects) if (object.kind === kind) all++;
    return all;
  };
  return { of: `${kind}s`, removed: count(gone), known: count(known.values()) };
}

/** The endpoints that no slice of their Service would have any more. One that moves to another slice is not removed. */
function removedEndpoints(
  known: NamedObjects,
  listed: NamedObjects,
  gone: readonly KubeObject[],
): Removal {
  const changed = new Set<string>();
  const change = (before: KubeObject | undefined) => {
    if (before?.kind === "EndpointSlice") { for (const one of endpointNames(before)) changed.add(one); }
  };
  gone.forEach(change);
  for (const [name, now] of listed) {
    if (now.kind !== "EndpointSlice") continue;
    const before = known.get(name);
    const version = before?.metadata.resourceVersion;
    if (version === undefined || version !== now.metadata.resourceVersion) change(before);
  }
  for (const object of changed.size > 0 ? listed.values() : []) {
    if (object.kind === "EndpointSlice") {
      for (const endpoint of endpointNames(object)) changed.delete(endpoint);
    }
  }
  // Most lists remove none. Those that are known are counted for the others alone.
  const all = changed.size > 0 ? allEndpoints(known).size : 0;
  return { of: "endpoints", removed: changed.size, known: all };
}

/** Each endpoint once, in however many slices it is. */
function allEndpoints(known: NamedObjects): Set<string> {
  const all = new Set<string>();
  for (const slice of known.values()) {
    if (slice.kind !== "EndpointSlice") continue;
    for (const endpoint of endpointNames(slice)) all.add(endpoint);
  }
  return all;
}

function endpointNames({ metadata, endpoints }: EndpointSlice): string[] {
  const service = `${metadata.namespace}/${metadata.labels?.["kubernetes.io/service-name"] ?? ""}`;
  return endpoints.map(({ addresses }) => `${service} ${addresses[0] ?? ""}`);
}

/** In the order of OBJECT_KINDS, then by namespace and name. */
function compareEvents({ key: a }: WatchEvent, { key: b }: WatchEvent): number {
  if (a.kind !== b.kind) return OBJECT_KINDS.indexOf(a.kind) - OBJECT_KINDS.indexOf(b.kind);
  if (a.namespace !== b.namespace) return a.namespace < b.namespace ? -1 : 1;
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
