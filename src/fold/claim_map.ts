// Which Services claim each resource. Claims to a cluster IP and to frontends at an address are kept together, by the address: nearly
// every Service has two, which one look-up finds.

import type { ServiceName } from "../kube/service_name.ts";
import { concatenationParts, FAMILIES } from "../nft/data_type.ts";
import type { Kept, ReadByKey } from "./kept_map.ts";
import { elementClaim, readFrontendClaim, type ServiceResource } from "./resource.ts";
import { PATHS } from "./skeleton.ts";
import { TextMap } from "./text_map.ts";

/** Services that claim a resource, the holder first. */
type Claimants = readonly ServiceName[];

/** A claim, and others that are kept together with it. It never changes: what was there at some moment can be kept. */
interface Claim {
  readonly claim: string;
  readonly claimants: Claimants;
  readonly next: Claim | undefined;
}

/** How many claims are kept together at most: each is sought among them, one by one. */
const TOGETHER_MAX = 8;

/** The claims. */
export class ClaimMap implements Iterable<readonly [string, Claimants]> {
  readonly #places = new TextMap<Claim>();
  #size = 0;
  /** How many claims about an address are not with the others there, because these were too many. */
  #apart = 0;

  /** How many resources are claimed. */
  get size(): number {
    return this.#size;
  }

  get(claim: string): Claimants | undefined {
    return read(this.#places, claim, addressOf(claim), this.#apart > 0);
  }

  /** As {@link get}, without reading the address out of the claim. */
  of({ claim, address }: ServiceResource): Claimants | undefined {
    return read(this.#places, claim, address, this.#apart > 0);
  }

  has(claim: string): boolean {
    return this.get(claim) !== undefined;
  }

  set(claim: string, claimants: Claimants): void {
    this.#enter(claim, addressOf(claim), claimants);
  }

  /** As {@link set}, without reading the address out of the claim. */
  enter({ claim, address }: ServiceResource, claimants: Claimants): void {
    this.#enter(claim, address, claimants);
  }

  delete(claim: string): void {
    const address = addressOf(claim);
    const place = address === undefined ? undefined : this.#places.get(address);
    if (address !== undefined && found(place, claim) !== undefined) {
      const others = without(place, claim);
      if (others === undefined) this.#places.delete(address);
      else this.#places.set(address, others);
    } else if (!this.#places.delete(claim)) return;
    else if (address !== undefined) this.#apart--;
    this.#size--;
  }

  *[Symbol.iterator](): Generator<readonly [string, Claimants]> {
    for (const place of this.#places.values()) {
      for (const { claim, claimants } of listed(place)) yield [claim, claimants];
    }
  }

  *keys(): Generator<string> {
    for (const [claim] of this) yield claim;
  }

  /** The claims as they are now, whatever changes later. */
  keep(): Pick<Kept<string, Claimants>, "get"> & Disposable {
    const kept = this.#places.keep();
    const someApart = this.#apart > 0;
    return {
      get: (claim) => read(kept, claim, addressOf(claim), someApart),
      [Symbol.dispose]: () => kept[Symbol.dispose](),
    };
  }

  #enter(claim: string, address: string | undefined, claimants: Claimants): void {
    const place = address === undefined ? undefined : this.#places.get(address);
    const isThere = found(place, claim) !== undefined;
    const isApart = !isThere && (address === undefined || this.#apart > 0) && this.#places.has(claim);
    if (!isThere && !isApart) this.#size++;
    if (address !== undefined && !isApart && (isThere || countOf(place) < TOGETHER_MAX)) {
      this.#places.set(address, { claim, claimants, next: without(place, claim) });
      return;
    }
    if (!isApart && address !== undefined) this.#apart++;
    this.#places.set(claim, { claim, claimants, next: undefined });
  }
}

function read(
  places: Pick<ReadByKey<string, Claim>, "get">,
  claim: string,
  address: string | undefined,
  someApart: boolean,
): Claimants | undefined {
  const there = address === undefined ? undefined : found(places.get(address), claim);
  if (there !== undefined) return there.claimants;
  return address === undefined || someApart ? places.get(claim)?.claimants : undefined;
}

function found(place: Claim | undefined, claim: string): Claim | undefined {
  for (let one = place; one !== undefined; one = one.next) if (one.claim === claim) return one;
  return undefined;
}

function without(place: Claim | undefined, claim: string): Claim | undefined {
  if (found(place, claim) === undefined) return place;
  return place!.claim === claim ? place!.next : { ...place!, next: without(place!.next, claim) };
}

function countOf(place: Claim | undefined): number {
  let count = 0;
  for (let one = place; one !== undefined; one = one.next) count++;
  return count;
}

function listed(place: Claim | undefined): readonly Claim[] {
  const claims: Claim[] = [];
  for (let one = place; one !== undefined; one = one.next) claims.push(one);
  return claims;
}

const CLUSTER_IPS = FAMILIES.map((family) => elementClaim(PATHS[family]["cluster-ips"], ""));

/** The address that `claim` is about, as its resource has it; undefined for a NodePort, and for other elements. */
function addressOf(claim: string): string | undefined {
  const own = CLUSTER_IPS.find((prefix) => claim.startsWith(prefix));
  if (own !== undefined) return claim.slice(own.length);
  const parts = concatenationParts(readFrontendClaim(claim)?.frontend ?? "");
  return parts.length === 3 ? parts[0] : undefined;
}
