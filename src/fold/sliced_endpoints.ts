// The slices of one Service, by what its ports look for. Why an index? Without it every port would look through every port of
// every slice, and 2,000 ports of a Service and a slice would be compared four million times.

import { familyOf, parseAddress } from "../kube/address.ts";
import type { EndpointSlice, SliceEndpoint } from "../kube/objects.ts";
import type { ServicePort } from "../kube/service_port.ts";
import type { Address, Family } from "../nft/data_type.ts";
import { weightOf, weightProblem } from "./weights.ts";

/** An endpoint of a slice, without a port. */
export interface Host {
  readonly address: Address;
  readonly ready: boolean;
  /** Serving while it terminates: used if no endpoint is ready (KEP-1669). */
  readonly lingering: boolean;
  readonly serving: boolean;
  readonly local: boolean;
  /** How many slots it fills beside others; 0: it counts as not ready. */
  readonly weight: number;
  readonly zones: readonly string[];
  readonly nodes: readonly string[];
}

/** The endpoints that one slice has for a ServicePort. */
export interface Found {
  readonly slice: EndpointSlice;
  /** The port of these endpoints. */
  readonly number: number;
}

const FAMILY_OF: ReadonlyMap<string, Family> = new Map([["IPv4", "ip"], ["IPv6", "ip6"]]);
const NOTHING: readonly Found[] = [];
const NO_TEXTS: readonly string[] = [];

/** What of a ServicePort its endpoints are found by. */
type Wanted = Pick<ServicePort, "family" | "portName"> & { readonly protocol: string };

/** Up to so many ports of slices are looked through. */
const SEARCHED_MAX = 8;

/** The slices of one Service. It lives as long as the Service's rules are made. */
export class SlicedEndpoints {
  readonly #slices: readonly EndpointSlice[];
  /** By what ports look for, where there is much to look through. */
  readonly #found: ReadonlyMap<string, readonly Found[]> | undefined;
  /** The slice whose hosts were read last. Nearly all Services have one. */
  #last: { readonly slice: EndpointSlice; readonly hosts: readonly Host[] } | undefined;
  #hosts: Map<EndpointSlice, readonly Host[]> | undefined;

  constructor(slices: readonly EndpointSlice[]) {
    this.#slices = slices;
    let ports = 0;
    for (const slice of this.#slices) ports += slice.ports.length;
    this.#found = ports > SEARCHED_MAX ? indexOf(this.#slices) : undefined;
  }

  /** What is wrong with the slices' weights, as text, in an order that does not depend on that of events. */
  get problems(): readonly string[] {
    // Nearly no slice has weights.
    if (this.#slices.every(hasGoodWeight)) return NO_TEXTS;
    return this.#slices.map(weightProblem).filter((problem) => problem !== undefined).sort();
  }

  /** The slices that have `port`, each with the port's number there; a slice that has it twice comes twice. */
  find({ family, protocol, portName }: Wanted): readonly Found[] {
    if (this.#found !== undefined) return this.#found.get(keyOf(family, protocol, portName)) ?? NOTHING;
    let found = NOTHING;
    for (const slice of this.#slices) {
      if (FAMILY_OF.get(slice.addressType) !== family) continue;
      for (const { name, protocol: ofPort, port: number } of slice.ports) {
        if (!number || (name ?? "") !== portName || protocolOf(ofPort) !== protocol) continue;
        found = found === NOTHING ? [{ slice, number }] : [...found, { slice, number }];
      }
    }
    return found;
  }

  /** How many slots `port` needs at most: an endpoint that is in two slices counts twice, and one that is not ready counts. */
  count(port: Wanted): number {
    return this.find(port).reduce((count, { slice }) => count + slotsOf(slice), 0);
  }

  /** The endpoints of `slice`, seen from node `ownNode`. They are read once for all ports, so it must be the same each time. */
  hosts(slice: EndpointSlice, ownNode: string): readonly Host[] {
    const last = this.#last;
    if (last?.slice === slice) return last.hosts;
    const known = this.#hosts?.get(slice);
    if (known !== undefined) return known;
    const hosts = hostsOf(slice, sightOf(slice, ownNode));
    if (last !== undefined) {
      this.#hosts = (this.#hosts ?? new Map([[last.slice, last.hosts]])).set(slice, hosts);
    }
    this.#last = { slice, hosts };
    return hosts;
  }
}

function hasGoodWeight(slice: EndpointSlice): boolean {
  return weightProblem(slice) === undefined;
}

function indexOf(slices: readonly EndpointSlice[]): ReadonlyMap<string, readonly Found[]> {
  const index = new Map<string, Found[]>();
  for (const slice of slices) {
    const family = FAMILY_OF.get(slice.addressType);
    if (family === undefined) continue;
    for (const { name, protocol, port: number } of slice.ports) {
      if (!number) continue;
      const key = keyOf(family, protocolOf(protocol), name ?? "");
      const before = index.get(key);
      if (before === undefined) index.set(key, [{ slice, number }]);
      else before.push({ slice, number });
    }
  }
  return index;
}

/** A protocol as a ServicePort spells it. */
function protocolOf(protocol: string | undefined): string {
  return protocol === undefined || protocol === "TCP" ? "tcp" : protocol.toLowerCase();
}

function hostsOf(slice: EndpointSlice, seen: Sight): readonly Host[] {
  const hosts = slice.endpoints.map((endpoint) => hostOf(endpoint, seen));
  return hosts.every((host) => host !== undefined) ? hosts : hosts.filter((host) => host !== undefined);
}

/** How many slots the endpoints of `slice` fill at most, or one each without weight. */
export function slotsOf(slice: EndpointSlice): number {
  return slice.endpoints.length * Math.max(1, weightOf(slice));
}

function keyOf(family: Family, protocol: string, name: string): string {
  return `${family} ${protocol} ${name}`;
}

/** What decides, beside an endpoint, which {@link Host} it is. */
export interface Sight {
  readonly family: Family | undefined;
  readonly ownNode: string;
  readonly weight: number;
}

/** How the endpoints of `slice` are seen from node `ownNode`. */
export function sightOf(slice: EndpointSlice, ownNode: string): Sight {
  return { family: FAMILY_OF.get(slice.addressType), ownNode, weight: weightOf(slice) };
}

/** Most endpoints have no hints, and most of their lists are this one. */
const NO_HINTS: readonly string[] = [];

/** An endpoint of a slice; undefined where its address is none of the slice's family. */
export function hostOf(
  { addresses, conditions, nodeName, hints }: SliceEndpoint,
  { family, ownNode, weight }: Sight,
): Host | undefined {
  const address = parseAddress(addresses[0] ?? "");
  if (address === undefined || familyOf(address) !== family) return undefined;
  const { ready, serving, terminating } = conditions ?? {};
  return {
    address,
    ready: ready !== false && weight > 0,
    serving: serving !== false,
    lingering: ready === false && serving !== false && terminating === true && weight > 0,
    local: ownNode !== "" && nodeName === ownNode,
    weight,
    zones: hints?.forZones?.map(({ name }) => name) ?? NO_HINTS,
    nodes: hints?.forNodes?.map(({ name }) => name) ?? NO_HINTS,
  };
}

/**
 * Whether {@link hostOf} makes `host` of the endpoint, which is seen as that of the host was. Why not compare it with the endpoint
 * before? That one was read long ago, and fetching a thousand from memory takes longer than comparing them. False for an address
 * in other than canonical text.
 */
export function isHostOf(
  host: Host | undefined,
  { addresses, conditions, nodeName, hints }: SliceEndpoint,
  { ownNode, weight }: Sight,
): boolean {
  if (host === undefined || addresses[0] !== host.address) return false;
  const ready = conditions?.ready !== false;
  const serving = conditions?.serving !== false;
  const isLingering = !ready && serving && conditions!.terminating === true;
  return host.ready === (ready && weight > 0) && host.serving === serving &&
    host.lingering === (isLingering && weight > 0) &&
    host.local === (ownNode !== "" && nodeName === ownNode) &&
    sameNames(host.zones, hints?.forZones) && sameNames(host.nodes, hints?.forNodes);
}

function sameNames(
  known: readonly string[],
  named: readonly { readonly name: string }[] | undefined,
): boolean {
  if (named === undefined) return known === NO_HINTS;
  return known.length === named.length && known.every((name, i) => name === named[i]!.name);
}
