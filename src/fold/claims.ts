// Which Service holds a resource that several Services claim. A claim has a rank before its age: the API server gives a
// cluster IP to one Service, a controller writes the address of a load balancer, but every user who may edit a Service can
// write an external IP (CVE-2020-8554). Within a rank the older Service holds: creationTimestamp, then namespace/name. Why
// not simply the first that was received? Then two nodes could give one frontend to different Services.

import { familyOf } from "../kube/address.ts";
import type { ServiceName } from "../kube/service_name.ts";
import { type Address, concatenationParts, type Family, type Protocol } from "../nft/data_type.ts";
import { elementKey } from "../nft/ruleset.ts";
import type { ClusterState } from "./cluster_state.ts";
import type { ReadByKey } from "./kept_map.ts";
import { elementClaim, frontendClaim, readFrontendClaim, type ServiceResource } from "./resource.ts";
import { PATHS } from "./skeleton.ts";
import type { Title } from "./title.ts";

/** What of a ClusterState claims are about. */
export type ClaimState = Pick<
  ClusterState,
  "programs" | "claims" | "contested" | "titles" | "atAddress"
>;

/**
 * The Service that holds the resource `key`. Its program may have no resource there: the owner of a cluster IP holds every
 * port of that address.
 */
export function holderOf(
  { claims }: { readonly claims: Pick<ReadByKey<string, readonly ServiceName[]>, "get"> },
  key: string,
): ServiceName | undefined {
  return claims.get(key)?.[0];
}

/**
 * The claim to the frontend that a packet to `target`, an `address . port`, meets: that at the address where a Service holds it, else
 * that of the NodePort with this number, which every address may be one of.
 */
export function claimAt(
  state: Pick<ClusterState, "claims">,
  family: Family,
  protocol: Protocol,
  target: string,
): string {
  const [address, port] = concatenationParts(target);
  const atAddress = frontendClaim(family, elementKey([address!, protocol, port!]));
  if (holderOf(state, atAddress) !== undefined) return atAddress;
  return frontendClaim(family, elementKey([protocol, port!]));
}

/** Enters the claim of `name` to the resource `wanted`, or withdraws it for undefined. Its program is up to date. */
export function claim(
  state: ClaimState,
  key: string,
  name: ServiceName,
  wanted: ServiceResource | undefined,
): void {
  const before = state.claims.get(key);
  if (wanted !== undefined && (wanted.kind === "element" || wanted.rank === 0)) {
    // Nearly all claims end here: no other Service claims the resource.
    if (before === undefined) return void state.claims.set(key, [name]);
    if (before.length === 1 && before[0] === name) return;
  }
  const others = (before ?? []).filter((other) => other !== name);
  const isLesser = wanted === undefined || (wanted.kind === "frontend" && wanted.rank > 0);
  if (!isLesser || !areLesser(state, key, others)) {
    return setClaimants(state, key, wanted === undefined ? others : [...others, name]);
  }
  // Thousands of Services may claim one frontend, on thousands of ports. Their order stands, so that this one finds its place among
  // them by a few comparisons.
  const place = wanted && placeOf(state, key, others, name);
  setOrdered(state, key, place === undefined ? others : others.toSpliced(place, 0, name));
}

/**
 * Whether all claimants `others`, which are in their order, claim an address that is no cluster IP of theirs; its owner comes first among
 * them, where it has one.
 */
function areLesser(state: ClaimState, key: string, others: readonly ServiceName[]): boolean {
  const at = others.findIndex((name) => resourceOf(state, key, name) !== undefined);
  const resource = at < 0 ? undefined : resourceOf(state, key, others[at]!);
  if (resource?.kind !== "frontend" || resource.rank === 0 || resource.address === undefined) return false;
  const owner = holderOf(state, clusterIPClaim(resource.address));
  return owner === undefined || owner === others[0];
}

/** Where `name` belongs among the claimants `others`, which are in their order. */
function placeOf(state: ClaimState, key: string, others: readonly ServiceName[], name: ServiceName): number {
  let [low, high] = [0, others.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareClaims(state, key, others[middle]!, name) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

const NONE: ReadonlySet<string> = new Set();

/**
 * Claims whose holder may change with that of `resource`. A cluster IP has some where other Services claim the same address
 * as an external one.
 */
export function dependents({ atAddress }: ClaimState, resource: ServiceResource): ReadonlySet<string> {
  if (atAddress.size === 0 || resource.kind !== "element" || resource.address === undefined) return NONE;
  return atAddress.get(resource.address) ?? NONE;
}

/** Orders the claims to `key` again, after its address became another Service's cluster IP, or no Service's. */
export function reclaim(state: ClaimState, key: string): void {
  setClaimants(state, key, state.claims.get(key) ?? []);
}

function setClaimants(state: ClaimState, key: string, names: readonly ServiceName[]): void {
  const wanting = names.filter((name) => resourceOf(state, key, name) !== undefined);
  const address = lesserAddress(state, key, wanting);
  if (address !== undefined) noteAtAddress(state, address, key);
  const owner = address === undefined ? undefined : holderOf(state, clusterIPClaim(address));
  const all = owner === undefined || wanting.includes(owner) ? wanting : [...wanting, owner];
  setOrdered(state, key, all.sort((a, b) => compareClaims(state, key, a, b)));
}

/** Enters the claimants of `key`, which are in their order. */
function setOrdered(state: ClaimState, key: string, claimants: readonly ServiceName[]): void {
  if (claimants.length === 0) state.claims.delete(key);
  else state.claims.set(key, claimants);
  if (claimants.length > 1 && readFrontendClaim(key) !== undefined) {
    state.contested.add(key);
    state.titles.set(key, titleOf(state, key, claimants));
  } else {
    state.contested.delete(key);
    state.titles.delete(key);
  }
}

/** The address of a frontend that no Service claims as its cluster IP; undefined for every other claim. */
function lesserAddress(
  state: ClaimState,
  key: string,
  wanting: readonly ServiceName[],
): Address | undefined {
  let address: Address | undefined;
  for (const name of wanting) {
    const resource = resourceOf(state, key, name);
    if (resource?.kind !== "frontend" || resource.rank === 0) return undefined;
    address = resource.address;
  }
  return address;
}

/** An entry without a claim does no harm. {@link forgetAddress} removes those of the last claimant. */
function noteAtAddress({ atAddress }: ClaimState, address: Address, key: string): void {
  const keys = atAddress.get(address);
  if (keys === undefined) atAddress.set(address, new Set([key]));
  else keys.add(key);
}

/** Removes the frontend `resource` from the index of addresses once no Service claims it. */
export function forgetAddress({ atAddress, claims }: ClaimState, resource: ServiceResource): void {
  if (resource.kind !== "frontend" || resource.address === undefined || claims.has(resource.claim)) return;
  const keys = atAddress.get(resource.address);
  if (keys?.delete(resource.claim) && keys.size === 0) atAddress.delete(resource.address);
}

function clusterIPClaim(address: Address): string {
  return elementClaim(PATHS[familyOf(address)]["cluster-ips"], address);
}

function resourceOf({ programs }: ClaimState, key: string, name: ServiceName): ServiceResource | undefined {
  return programs.get(name)?.resources.get(key);
}

/** The owner of a cluster IP has no resource at the other ports of it, and ranks first there too. */
function rankOf(state: ClaimState, key: string, name: ServiceName): number {
  const resource = resourceOf(state, key, name);
  return resource?.kind === "frontend" ? resource.rank : 0;
}

function compareClaims(state: ClaimState, key: string, a: ServiceName, b: ServiceName): number {
  const ranks = rankOf(state, key, a) - rankOf(state, key, b);
  if (ranks !== 0) return ranks;
  // Of the objects that the rules are made of: where rules come in steps, newer ones may be known, or the Service is deleted.
  const born = (name: ServiceName) =>
    state.programs.get(name)?.shape?.service.metadata.creationTimestamp ?? UNBORN;
  const [older, younger] = [`${born(a)} ${a}`, `${born(b)} ${b}`];
  return older < younger ? -1 : older > younger ? 1 : 0;
}

/** Sorts behind every RFC 3339 time: a Service without a creationTimestamp is younger than one that has it. */
const UNBORN = "~";

function titleOf(state: ClaimState, key: string, [holder, next]: readonly ServiceName[]): Title {
  const rank = rankOf(state, key, holder!);
  if (rank === rankOf(state, key, next!)) return "oldest";
  return rank === 0 ? "cluster IP" : "load balancer";
}
