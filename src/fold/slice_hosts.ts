// The hosts of one slice, kept while the slice changes. A change of a slice concerns one endpoint of a hundred, and the others
// need not be read again: they are the same values, so whatever compares hosts by identity sees what changed.

import { sameValue } from "../kube/equality.ts";
import type { EndpointSlice, SliceEndpoint } from "../kube/objects.ts";
import { joinEndpoint } from "./endpoints.ts";
import { type Host, hostOf, sightOf } from "./sliced_endpoints.ts";

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
  const [old, now] = [fits ? before.slice.endpoints : [], slice.endpoints];
  const { first, end, shift } = difference(old, now, sameEndpoint);
  const fresh = now.slice(first, end).map((endpoint) => hostOf(endpoint, sight));
  /** `known` with `middle` in place of what differs. */
  const spliced = <T>(known: readonly T[], middle: readonly T[]): T[] => [
    ...known.slice(0, first),
    ...middle,
    ...known.slice(end + shift),
  ];
  const hosts = spliced(fits ? before.hosts : [], fresh);
  const texts = new Map<number, readonly string[]>();
  // Of ports that the slice still has: otherwise a port that changes each time would leave its texts for ever.
  const numbers = new Set(slice.ports.map(({ port }) => port));
  for (const [number, known] of fits ? before.texts : []) {
    if (numbers.has(number)) texts.set(number, spliced(known, fresh.map((host) => textOf(host, number))));
  }
  const local: number[] = [];
  for (let i = 0; i < hosts.length; i++) if (hosts[i]?.local) local.push(i);
  return { slice, ownNode, hosts, local, texts };
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
export function difference<T>(
  old: readonly T[],
  now: readonly T[],
  same: (a: T, b: T) => boolean,
): Difference {
  const shift = old.length - now.length;
  const least = Math.min(old.length, now.length);
  let first = 0;
  while (first < least && same(old[first]!, now[first]!)) first++;
  let end = now.length;
  while (end > first && end + shift > first && same(old[end + shift - 1]!, now[end - 1]!)) end--;
  return { first, end, shift };
}

/** Whether a {@link Host} of the two is the same. */
function sameEndpoint(a: SliceEndpoint, b: SliceEndpoint): boolean {
  if (a === b) return true;
  return a.addresses[0] === b.addresses[0] && a.nodeName === b.nodeName &&
    sameConditions(a.conditions, b.conditions) && (a.hints === b.hints || sameValue(a.hints, b.hints));
}

function sameConditions(a: SliceEndpoint["conditions"], b: SliceEndpoint["conditions"]): boolean {
  return a === b ||
    (a?.ready === b?.ready && a?.serving === b?.serving && a?.terminating === b?.terminating);
}
