// The hosts of one slice, kept while the slice changes. A change of a slice concerns one endpoint of a hundred, and the others
// need not be read again: they are the same values, so whatever compares hosts by identity sees what changed.

import { sameValue } from "../kube/equality.ts";
import type { EndpointSlice } from "../kube/objects.ts";
import { joinEndpoint } from "./endpoints.ts";
import { type Host, hostOf, isHostOf, sightOf } from "./sliced_endpoints.ts";

/** A slice, seen from one node. */
export interface SliceHosts {
  readonly slice: EndpointSlice;
  readonly ownNode: string;
  /** The host of each endpoint; undefined for one that is left out. */
  readonly hosts: readonly (Host | undefined)[];
  /** Places of the hosts on the own node. */
  readonly local: readonly number[];
  /** Each host and a port as `address . port`, by port number. Made when it is asked for. */
  readonly texts: Map<number, readonly string[]>;
}

/** The hosts of `slice`; those of `before` that are the same are kept. */
export function sliceHosts(slice: EndpointSlice, ownNode: string, before?: SliceHosts): SliceHosts {
  const sight = sightOf(slice, ownNode);
  const fits = before !== undefined && before.ownNode === ownNode &&
    sameValue(sightOf(before.slice, ownNode), sight);
  if (!fits) {
    const hosts = slice.endpoints.map((endpoint) => hostOf(endpoint, sight));
    return { slice, ownNode, hosts, local: localAmong(hosts, 0), texts: new Map() };
  }
  const change = difference(
    before.hosts,
    slice.endpoints,
    (host, endpoint) => isHostOf(host, endpoint, sight),
  );
  const fresh = slice.endpoints.slice(change.first, change.end).map((endpoint) => hostOf(endpoint, sight));
  const texts = new Map<number, readonly string[]>();
  // Of ports that the slice still has: otherwise a port that changes each time would leave its texts for ever.
  const numbers = new Set(slice.ports.map(({ port }) => port));
  for (const [number, known] of before.texts) {
    if (numbers.has(number)) {
      texts.set(number, spliced(known, change, fresh.map((host) => textOf(host, number))));
    }
  }
  return {
    slice,
    ownNode,
    hosts: spliced(before.hosts, change, fresh),
    local: localAfter(before.local, change, fresh),
    texts,
  };
}

/** `known` with `fresh` in place of what differs. Copies of whole parts look at no element. */
function spliced<T>(known: readonly T[], { first, end, shift }: Difference, fresh: readonly T[]): T[] {
  return known.slice(0, first).concat(fresh, known.slice(end + shift));
}

/** The places of `hosts` that are on the own node, which begin at `first`. */
function localAmong(hosts: readonly (Host | undefined)[], first: number): number[] {
  const local: number[] = [];
  for (let i = 0; i < hosts.length; i++) if (hosts[i]?.local) local.push(first + i);
  return local;
}

/** The places on the own node, after those of the hosts that differ have become `fresh`. */
function localAfter(
  local: readonly number[],
  { first, end, shift }: Difference,
  fresh: readonly (Host | undefined)[],
): number[] {
  const after = localAmong(fresh, first);
  if (local.length === 0) return after;
  const behind = local.filter((place) => place >= end + shift).map((place) => place - shift);
  return [...local.filter((place) => place < first), ...after, ...behind];
}

/** The hosts of `one` with port `number`, in their order; "" for one that is left out. */
export function textsOf({ hosts, texts }: SliceHosts, number: number): readonly string[] {
  let known = texts.get(number);
  if (known === undefined) texts.set(number, known = hosts.map((host) => textOf(host, number)));
  return known;
}

function textOf(host: Host | undefined, number: number): string {
  return host === undefined ? "" : joinEndpoint(host.address, number);
}

/** Where two lists differ: between what they have in common at their beginnings and at their ends. */
export interface Difference {
  /** The first place that differs in both. */
  readonly first: number;
  /** Behind the last place that differs in the second list. */
  readonly end: number;
  /** What is behind `end` is so many places further in the first list. */
  readonly shift: number;
}

/** Where `old` and `now` differ. */
export function difference<Old, Now>(
  old: readonly Old[],
  now: readonly Now[],
  same: (a: Old, b: Now) => boolean,
): Difference {
  const shift = old.length - now.length;
  const least = Math.min(old.length, now.length);
  let first = 0;
  while (first < least && same(old[first]!, now[first]!)) first++;
  let end = now.length;
  while (end > first && end + shift > first && same(old[end + shift - 1]!, now[end - 1]!)) end--;
  return { first, end, shift };
}
