// Numbers of the endpoints of a ServicePort with ClientIP affinity. A pin has the number of an endpoint. Why not its slot? A number
// follows from the endpoint alone, so a pin leads to its endpoint for as long as that exists, whatever the order of the list,
// after a restart, and without a ledger.

import { parseAddress } from "../kube/address.ts";
import { type Address, canonicalAddress, destinationOf, type Family } from "../nft/data_type.ts";
import type { ChunkedMap } from "./chunked_map.ts";
import { differingSlots, markAs, NO_SLOTS, type Slots } from "./slots.ts";

/** Endpoints of a ServicePort with affinity. All its frontends share them. */
export interface PinnedEndpoints {
  /** By number, each `address . port`. */
  readonly endpoints: ReadonlyMap<Address, string>;
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
  const numbers = new Map<string, Address>();
  const endpoints = new Map<Address, string>();
  let shifted = false;
  for (const endpoint of [...new Set([...cluster.endpoints, ...local.endpoints])].sort()) {
    let number = numberOf(family, endpoint, 0);
    for (let shift = 1; endpoints.has(number); shift++) {
      number = numberOf(family, endpoint, shift);
      shifted = true;
    }
    endpoints.set(number, endpoint);
    numbers.set(endpoint, number);
  }
  const numbered = ({ slotClass, endpoints }: Slots): Slots => ({
    slotClass,
    endpoints: endpoints.map((endpoint) => numbers.get(endpoint)!),
  });
  const lists = { cluster: numbered(cluster), local: numbered(local) };
  return { endpoints, ...lists, from: { cluster, local }, shifted, distinct: false };
}

/** What {@link renumbered} starts from. */
export interface Renumbering {
  /** The endpoints by number so far. No endpoint is in two slots of a list, before or now. */
  readonly before: PinnedEndpoints & { readonly endpoints: ChunkedMap<Address, string> };
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
  const come = new Map<Address, string>();
  for (const endpoint of changed.flatMap(({ endpoints }) => endpoints)) {
    const number = numberOf(family, endpoint, 0);
    const other = come.get(number) ?? before.endpoints.get(number);
    if (other === endpoint) continue;
    if (other !== undefined && !gone.has(other)) return undefined;
    come.set(number, endpoint);
  }
  const numbered = (list: "cluster" | "local", { slots, endpoints }: ChangedSlots): Slots => {
    if (before.from[list] === now[list]) return before[list];
    const numbers = before[list].endpoints.slice(0, now[list].endpoints.length);
    slots.forEach((slot, i) => numbers[slot] = numberOf(family, endpoints[i]!, 0));
    const made: Slots = { slotClass: now[list].slotClass, endpoints: numbers };
    markAs(made, now[list]);
    return made;
  };
  const numbersGone = [...gone].map((endpoint) => numberOf(family, endpoint, 0));
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
 * The number of an endpoint, written as an address: its address, changed by its port. Endpoints with one port, or with one
 * address, always have different numbers. Two others may have the same one, very rarely: then one of them is shifted.
 */
function numberOf(family: Family, endpoint: string, shift: number): Address {
  const { address, port } = destinationOf(endpoint);
  if (family === "ip") {
    const whole = address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
    const number = (whole ^ Math.imul(port, SPREAD)) + shift;
    return canonicalAddress([24, 16, 8, 0].map((bits) => (number >>> bits) & 0xff).join("."));
  }
  // Pods have addresses of one network, so their first 16 bits are the same.
  const [first = "", rest = ""] = /^([0-9a-f]*)(:.*)$/.exec(address)?.slice(1) ?? [];
  const group = (parseInt(first || "0", 16) ^ port) + shift;
  return parseAddress(`${(group & 0xffff).toString(16)}${rest}`)!;
}
