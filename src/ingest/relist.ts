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

/** Objects that are known. */
export interface KnownObjects {
  at(key: ObjectKey): KubeObject | undefined;
  values(): Iterable<KubeObject>;
}

/** `objects` as known ones. Of those with one key the last counts. */
export function knownObjects(objects: readonly KubeObject[]): KnownObjects {
  const named = new Map(objects.map((object) => [describeKey(objectKey(object)), object]));
  return { at: (key) => named.get(describeKey(key)), values: () => named.values() };
}

/** A list beside the known objects. It is made once, for all that is asked about the list. */
export interface Comparison {
  /** The listed objects. One that the list repeats is here once, as it is last. */
  readonly listed: readonly KubeObject[];
  /** For each of them the known object. */
  readonly before: readonly (KubeObject | undefined)[];
  /** What a complete list lacks: known objects of its kinds, without those that could not be read. */
  readonly missing: readonly KubeObject[];
}

/** Compares a list with the `known` objects. It makes no names where the list is in order and lacks nothing, as nearly always. */
export function compareList(
  known: KnownObjects,
  { objects, complete, kinds = OBJECT_KINDS, unread = [] }: Listed,
): Comparison {
  const listed = isInOrder(objects) ? objects : [...knownObjects(objects).values()];
  const before = listed.map((object) => known.at(objectKey(object)));
  if (!complete) return { listed, before, missing: [] };
  let left = 0;
  for (const { kind } of known.values()) if (kinds.includes(kind)) left++;
  for (const object of before) if (object !== undefined && kinds.includes(object.kind)) left--;
  const missing = left === 0 ? [] : withoutListed([...known.values()], listed, kinds, unread);
  return { listed, before, missing };
}

/**
 * Whether `objects` are of one kind and in the order of their keys in etcd, as an API server lists them. Then none is repeated.
 */
function isInOrder(objects: readonly KubeObject[]): boolean {
  for (let i = 1; i < objects.length; i++) {
    const [a, b] = [objects[i - 1]!, objects[i]!];
    if (a.kind !== b.kind) return false;
    const [one, other] = [a.metadata.namespace ?? "", b.metadata.namespace ?? ""];
    if (one === other ? a.metadata.name >= b.metadata.name : `${one}/` >= `${other}/`) return false;
  }
  return true;
}

/**
 * The events that turn the `known` objects of the listed kinds into the listed ones. Objects that are not listed are deleted only when
 * the list is complete. An unchanged object gives no event. Deletions get the version of the list.
 */
export function relist(
  known: KnownObjects,
  list: Listed,
  { listed, before, missing }: Comparison = compareList(known, list),
): WatchEvent[] {
  const { complete, time, kinds = OBJECT_KINDS, unread = [], gone = [], resourceVersion: version = "" } =
    list;
  const removed = complete
    ? missing
    : withoutListed(gone.flatMap((key) => known.at(key) ?? []), listed, kinds, unread);
  const events = removed.map((object): WatchEvent => ({
    key: objectKey(object),
    value: null,
    resourceVersion: version,
    time,
  }));
  listed.forEach((object, i) => {
    if (sameValue(before[i], object)) return;
    const resourceVersion = object.metadata.resourceVersion ?? "";
    events.push({ key: objectKey(object), value: object, resourceVersion, time });
  });
  return events.sort(compareEvents);
}

/** Those of `objects`, of `kinds`, that are neither listed nor among what could not be read. */
function withoutListed(
  objects: readonly KubeObject[],
  listed: readonly KubeObject[],
  kinds: readonly ObjectKind[],
  unread: readonly ObjectKey[],
): KubeObject[] {
  if (objects.length === 0) return [];
  const stay = new Set([...listed.map(objectKey), ...unread].map(describeKey));
  return objects.filter((object) => kinds.includes(object.kind) && !stay.has(describeKey(objectKey(object))));
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
  known: KnownObjects,
  events: readonly WatchEvent[],
): boolean {
  const slices = events.filter(({ key: { kind } }) => kind === "EndpointSlice");
  const losing = new Set(
    slices.filter(({ value }) => value === null).flatMap(({ key }) =>
      servicesOfEvent({ key, value: known.at(key) ?? null })
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
  known: KnownObjects,
  events: readonly WatchEvent[],
): WatchEvent[] {
  /** Values after the earlier events of this batch. */
  const newer = new Map<string, KubeObject | null>();
  return events.filter(({ key, value }) => {
    const name = describeKey(key);
    const before = newer.get(name) ?? (newer.has(name) ? undefined : known.at(key));
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
 * that has no version is what a server made that is not an API server, or a wrong one: a single object is enough then.
 */
export function largeRemoval(
  known: KnownObjects,
  list: ListBatch,
  compared: Comparison = compareList(known, list),
): Removal | undefined {
  const { missing } = compared;
  const { kinds = OBJECT_KINDS, resourceVersion } = list;
  const least = resourceVersion === undefined ? 1 : LARGE_REMOVAL_MIN;
  return [
    ...kinds.includes("Service") ? [removedObjects(known, "Service", missing)] : [],
    ...kinds.includes("EndpointSlice")
      ? [
        removedObjects(known, "EndpointSlice", missing),
        removedEndpoints(known, compared),
      ]
      : [],
  ].find(({ removed, known }) => removed >= least && removed * 2 > known);
}

/**
 * The part of `list` that removes nothing of the `known` objects: it may be applied before another list confirms the rest. A
 * slice that lacks endpoints of its known version stays as it was.
 */
export function withoutRemovals(known: KnownObjects, list: ListBatch): ListBatch {
  const keeps = (object: KubeObject) => {
    const before = known.at(objectKey(object));
    if (before?.kind !== "EndpointSlice" || object.kind !== "EndpointSlice") return true;
    const now = new Set(endpointNames(object));
    return endpointNames(before).every((endpoint) => now.has(endpoint));
  };
  return { ...list, objects: list.objects.filter(keeps), complete: false, gone: [] };
}

function removedObjects(
  known: KnownObjects,
  kind: "Service" | "EndpointSlice",
  missing: readonly KubeObject[],
): Removal {
  const count = (objects: Iterable<KubeObject>) => {
    let all = 0;
    for (const object of objects) if (object.kind === kind) all++;
    return all;
  };
  const removed = count(missing);
  return { of: `${kind}s`, removed, known: removed > 0 ? count(known.values()) : 0 };
}

/** The endpoints that no slice of their Service would have any more. One that moves to another slice is not removed. */
function removedEndpoints(known: KnownObjects, { listed, before, missing }: Comparison): Removal {
  const changed = new Set<string>();
  const change = (slice: KubeObject | undefined) => {
    if (slice?.kind === "EndpointSlice") { for (const one of endpointNames(slice)) changed.add(one); }
  };
  missing.forEach(change);
  before.forEach((slice, i) => {
    const version = slice?.metadata.resourceVersion;
    if (version === undefined || version !== listed[i]!.metadata.resourceVersion) change(slice);
  });
  for (const object of changed.size > 0 ? listed : []) {
    if (object.kind === "EndpointSlice") {
      for (const endpoint of endpointNames(object)) changed.delete(endpoint);
    }
  }
  // Most lists remove none. Those that are known are counted for the others alone.
  const all = changed.size > 0 ? allEndpoints(known).size : 0;
  return { of: "endpoints", removed: changed.size, known: all };
}

/** Each endpoint once, in however many slices it is. */
function allEndpoints(known: KnownObjects): Set<string> {
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
