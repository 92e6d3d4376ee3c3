// Who holds what more than one Service wants. A claim has a rank before its age: a cluster IP is given to one Service by
// the API server, an address of a load balancer is written by a controller, an external IP by anybody who may edit a
// Service (CVE-2020-8554). Within a rank the older Service holds: creationTimestamp, then namespace/name.

import { familyOf } from "../kube/address.ts";
import type { Address } from "../nft/data_type.ts";
import type { ClusterState, ServiceName } from "./cluster_state.ts";
import type { Resource } from "./resource.ts";
import { PATHS } from "./skeleton.ts";

/** Why the holder of a contested frontend has it. */
export type Title = "cluster IP" | "load balancer" | "oldest";

/** What of a ClusterState claims are about. */
export type ClaimState = Pick<
  ClusterState,
  "services" | "programs" | "claims" | "contested" | "titles" | "atAddress"
>;

/** The Service that holds the resource `key`; it may want nothing there, where the address is its cluster IP. */
export function holderOf({ claims }: Pick<ClusterState, "claims">, key: string): ServiceName | undefined {
  return claims.get(key)?.[0];
}

/** Enters the claim of `name` to the resource that its program wants, or withdraws it; the program is up to date. */
export function claim(state: ClaimState, key: string, name: ServiceName, wanted: Resource | undefined): void {
  const before = state.claims.get(key);
  if (wanted !== undefined && (wanted.kind === "element" || wanted.rank === 0)) {
    // Nearly all claims: nobody else wants it.
    if (before === undefined) return void state.claims.set(key, [name]);
    if (before.length === 1 && before[0] === name) return;
  }
  const others = (before ?? []).filter((other) => other !== name);
  setClaimants(state, key, wanted === undefined ? others : [...others, name]);
}

const NONE: ReadonlySet<string> = new Set();

/** Frontends whose holder may change with that of `resource`: those at a cluster IP which others want as another address. */
export function dependents({ atAddress }: ClaimState, resource: Resource): ReadonlySet<string> {
  if (resource.kind !== "element" || !CLUSTER_IPS.has(resource.path)) return NONE;
  return atAddress.get(resource.element.key as string as Address) ?? NONE;
}

/** Orders the claims of `key` anew, after the holder of its address as a cluster IP has changed. */
export function reclaim(state: ClaimState, key: string): void {
  setClaimants(state, key, state.claims.get(key) ?? []);
}

const CLUSTER_IPS = new Set(Object.values(PATHS).map((paths) => paths["cluster-ips"]));

function setClaimants(state: ClaimState, key: string, names: readonly ServiceName[]): void {
  const wanting = names.filter((name) => resourceOf(state, key, name) !== undefined);
  const address = lesserAddress(state, key, wanting);
  if (address !== undefined) noteAtAddress(state, address, key);
  const owner = address === undefined ? undefined : holderOf(state, clusterIPKey(address));
  const all = owner === undefined || wanting.includes(owner) ? wanting : [...wanting, owner];
  const claimants = all.sort((a, b) => compareClaims(state, key, a, b));
  if (claimants.length === 0) state.claims.delete(key);
  else state.claims.set(key, claimants);
  if (claimants.length > 1 && key.includes(" frontend ")) {
    state.contested.add(key);
    state.titles.set(key, titleOf(state, key, claimants));
  } else {
    state.contested.delete(key);
    state.titles.delete(key);
  }
}

/** The address of a frontend that nobody wants as a cluster IP: whose cluster IP it is has it, on every port. */
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

/** Superfluous entries do no harm; those of the last claimant are taken out by {@link forgetAddress}. */
function noteAtAddress({ atAddress }: ClaimState, address: Address, key: string): void {
  const keys = atAddress.get(address);
  if (keys === undefined) atAddress.set(address, new Set([key]));
  else keys.add(key);
}

/** Takes the frontend `resource` out of the index of addresses once nobody claims it. */
export function forgetAddress({ atAddress, claims }: ClaimState, resource: Resource): void {
  if (resource.kind !== "frontend" || resource.address === undefined || claims.has(resource.claim)) return;
  const keys = atAddress.get(resource.address);
  if (keys?.delete(resource.claim) && keys.size === 0) atAddress.delete(resource.address);
}

function clusterIPKey(address: Address): string {
  return `${PATHS[familyOf(address)]["cluster-ips"]} ${address}`;
}

function resourceOf({ programs }: ClaimState, key: string, name: ServiceName): Resource | undefined {
  return programs.get(name)?.resources.get(key);
}

/** The owner of a cluster IP wants nothing at other ports of it, and comes first there too. */
function rankOf(state: ClaimState, key: string, name: ServiceName): number {
  const resource = resourceOf(state, key, name);
  return resource?.kind === "frontend" ? resource.rank : 0;
}

function compareClaims(state: ClaimState, key: string, a: ServiceName, b: ServiceName): number {
  const ranks = rankOf(state, key, a) - rankOf(state, key, b);
  if (ranks !== 0) return ranks;
  const born = (name: ServiceName) => state.services.get(name)?.metadata.creationTimestamp ?? UNBORN;
  const [older, younger] = [`${born(a)} ${a}`, `${born(b)} ${b}`];
  return older < younger ? -1 : older > younger ? 1 : 0;
}

/** A Service that does not say when it was made is not older than one that does: sorts behind every RFC 3339 time. */
const UNBORN = "~";

function titleOf(state: ClaimState, key: string, [holder, next]: readonly ServiceName[]): Title {
  const rank = rankOf(state, key, holder!);
  if (rank === rankOf(state, key, next!)) return "oldest";
  return rank === 0 ? "cluster IP" : "load balancer";
}

/** Why `holder` has what others want too, for people. */
export function titleText(title: Title | undefined): string {
  switch (title) {
    case "cluster IP":
      return "whose cluster IP it is";
    case "load balancer":
      return "whose load balancer has it";
    default:
      return "the oldest";
  }
}
