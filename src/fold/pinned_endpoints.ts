// Numbers of the endpoints of a ServicePort with ClientIP affinity. A pin has the number of an endpoint. Why not its slot? A number
// follows from the endpoint alone, so a pin leads to its endpoint for as long as that exists, whatever the order of the list,
// after a restart, and without a ledger.

import { ipv4Number, ipv6Bytes } from "../nft/address_bytes.ts";
import { destinationOf, type Family } from "../nft/data_type.ts";
import type { ChunkedMap } from "./chunked_map.ts";
import { ENDPOINT_NUMBERS, endpointNumber } from "./leads.ts";
import { differingSlots, markAs, NO_SLOTS, type Slots } from "./slots.ts";

/** Endpoints of a ServicePort with affinity. All its frontends share them. */
export interface PinnedEndpoints {
  /** By number, each `address . port`. */
  readonly endpoints: ReadonlyMap<string, string>;
  /** Numbers in the slots of all endpoints. */
  readonly cluster: Slots;
  /** Numbers in the slots of local endpoints. */
  readonly local: Slots;
  /** The slots that it was made from. */
  readonly from: { readonly cluster: Slots; readonly local: Slots };
  /** Whether an endpoint has another number than it would have alone. */
  readonly shifted: boolean;
  /** Whether no endpoint is in two slots of one list; false where that is not known. */
  readonly distinct: boolean;
}

/** No endpoints. */
export const NOTHING_PINNED: PinnedEndpoints = {
  endpoints: new Map(),
  cluster: NO_SLOTS,
  local: NO_SLOTS,
  from: { cluster: NO_SLOTS, local: NO_SLOTS },
  shifted: false,
  distinct: true,
};

/** The endpoints of a ServicePort by number, and the numbers in the slots of its lists. */
export function pinnedEndpoints(family: Family, cluster: Slots, local: Slots): PinnedEndpoints {
  const numbers = new Map<string, string>();
  const endpoints = new Map<string, string>();
  const give = (number: string, endpoint: string) => {
    endpoints.set(number, endpoint);
    numbers.set(endpoint, number);
  };
  const twins: string[] = [];
  for (const endpoint of [...new Set([...cluster.endpoints, ...local.endpoints])].sort()) {
    const number = endpointNumber(numberOf(family, endpoint));
    if (endpoints.has(number)) twins.push(endpoint);
    else give(number, endpoint);
  }
  const shifted = twins.length > 0;
  const next = new Map<number, number>();
  for (const twin of twins) {
    give(endpointNumber(freeNumber(endpoints, next, shiftedNumberOf(family, twin))), twin);
  }
  const numbered = ({ slotClass, endpoints }: Slots): Slots => ({
    slotClass,
    endpoints: endpoints.map((endpoint) => numbers.get(endpoint)!),
  });
  const lists = { cluster: numbered(cluster), local: numbered(local) };
  return { endpoints, ...lists, from: { cluster, local }, shifted, distinct: false };
}

/**
 * The first number from `start` on that no endpoint has. `next` has where to go on from numbers that were passed before: so
 * thousands of endpoints that start at one number, as a tenant can have them, do not pass each other one by one.
 */
function freeNumber(
  endpoints: ReadonlyMap<string, string>,
  next: Map<number, number>,
  start: number,
): number {
  const passed: number[] = [];
  let number = start;
  while (endpoints.has(endpointNumber(number))) {
    passed.push(number);
    number = next.get(number) ?? following(number);
  }
  for (const one of passed) next.set(one, following(number));
  return number;
}

function following(number: number): number {
  return (number + 1) & (ENDPOINT_NUMBERS - 1);
}

/** What {@link renumbered} starts from. */
export interface Renumbering {
  /** The endpoints by number so far. No endpoint is in two slots of a list, before or now. */
  readonly before: PinnedEndpoints & { readonly endpoints: ChunkedMap<string, string> };
  readonly family: Family;
  readonly cluster: Slots;
  readonly local: Slots;
  /** Whether an endpoint has a slot now. */
  readonly isListed: (endpoint: string) => boolean;
}

/** As {@link pinnedEndpoints}, at the cost of what changed; undefined where one number follows from another. */
export function renumbered(
  { before, family, cluster, local, isListed }: Renumbering,
): Renumbering["before"] | undefined {
  if (before.shifted) return undefined;
  const now = { cluster, local };
  const changed = (["cluster", "local"] as const).map((list) => changedSlots(before.from[list], now[list]));
  const gone = new Set(changed.flatMap(({ old }) => old).filter((endpoint) => !isListed(endpoint)));
  const come = new Map<string, string>();
  for (const endpoint of changed.flatMap(({ endpoints }) => endpoints)) {
    const number = endpointNumber(numberOf(family, endpoint));
    const other = come.get(number) ?? before.endpoints.get(number);
    if (other === endpoint) continue;
    if (other !== undefined && !gone.has(other)) return undefined;
    come.set(number, endpoint);
  }
  const numbered = (list: "cluster" | "local", { slots, endpoints }: ChangedSlots): Slots => {
    if (before.from[list] === now[list]) return before[list];
    const numbers = before[list].endpoints.slice(0, now[list].endpoints.length);
    slots.forEach((slot, i) => numbers[slot] = endpointNumber(numberOf(family, endpoints[i]!)));
    const made: Slots = { slotClass: now[list].slotClass, endpoints: numbers };
    markAs(made, now[list]);
    return made;
  };
  const numbersGone = [...gone].map((endpoint) => endpointNumber(numberOf(family, endpoint)));
  return {
    ...before,
    endpoints: gone.size + come.size === 0 ? before.endpoints : before.endpoints.with(numbersGone, come),
    cluster: numbered("cluster", changed[0]!),
    local: numbered("local", changed[1]!),
    from: now,
  };
}

/** Slots that have another endpoint now. */
interface ChangedSlots {
  /** The slots, in order, and what each has now. */
  readonly slots: readonly number[];
  readonly endpoints: readonly string[];
  /** What they had before, and what was behind the end. */
  readonly old: readonly string[];
}

function changedSlots(before: Slots, now: Slots): ChangedSlots {
  const differing = before === now ? [] : differingSlots(before, now);
  const slots = differing.filter((slot) => slot < now.endpoints.length);
  return {
    slots,
    endpoints: slots.map((slot) => now.endpoints[slot]!),
    old: differing.flatMap((slot) => before.endpoints[slot] ?? []),
  };
}

/** An odd number whose multiples are far apart (2^32 divided by the golden ratio). */
const SPREAD = 0x9e3779b1;

/**
 * The number of an endpoint: the lowest bits of its address, changed by the rest of the address and by the port. Endpoints with one
 * port, in one network of as many addresses, always have different ones. Of others that have the same, the first in order keeps it.
 */
function numberOf(family: Family, endpoint: string): number {
  const { lowest, rest } = bitsOf(family, endpoint);
  return (lowest ^ rest) & (ENDPOINT_NUMBERS - 1);
}

/** Where an endpoint whose number another one has looks for a free one: far from it, where few are taken. */
function shiftedNumberOf(family: Family, endpoint: string): number {
  const { lowest, rest } = bitsOf(family, endpoint);
  return (Math.imul(Math.imul(lowest, SPREAD) ^ rest, SPREAD) >>> 7) & (ENDPOINT_NUMBERS - 1);
}

/** The last 32 bits of the address, and what follows from all other bits and from the port. */
function bitsOf(family: Family, endpoint: string): { lowest: number; rest: number } {
  const { address, port } = destinationOf(endpoint);
  let rest = Math.imul(port, SPREAD);
  if (family === "ip") return { lowest: ipv4Number(address), rest };
  const words = new DataView(ipv6Bytes(address).buffer);
  for (const at of [0, 4, 8]) rest = Math.imul(rest ^ words.getUint32(at), SPREAD);
  return { lowest: words.getUint32(12), rest };
}
