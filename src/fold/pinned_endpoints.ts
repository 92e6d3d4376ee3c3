// Numbers of the endpoints of a ServicePort with ClientIP affinity. A pin has the number of an endpoint. Why not its slot? A number
// follows from the endpoint alone, so a pin leads to its endpoint for as long as that exists, whatever the order of the list,
// after a restart, and without a ledger.

import { parseAddress } from "../kube/address.ts";
import { type Address, canonicalAddress, type Family } from "../nft/data_type.ts";
import { readEndpoint } from "./endpoints.ts";
import { NO_SLOTS, type Slots } from "./slots.ts";

/** Endpoints of a ServicePort with affinity. All its frontends share them. */
export interface PinnedEndpoints {
  /** By number, each `address . port`. */
  readonly endpoints: ReadonlyMap<Address, string>;
  /** Numbers in the slots of all endpoints. */
  readonly cluster: Slots;
  /** Numbers in the slots of local endpoints. */
  readonly local: Slots;
}

/** No endpoints. */
export const NOTHING_PINNED: PinnedEndpoints = { endpoints: new Map(), cluster: NO_SLOTS, local: NO_SLOTS };

/** The endpoints of a ServicePort by number, and the numbers in the slots of its lists. */
export function pinnedEndpoints(family: Family, cluster: Slots, local: Slots): PinnedEndpoints {
  const numbers = new Map<string, Address>();
  const endpoints = new Map<Address, string>();
  for (const endpoint of [...new Set([...cluster.endpoints, ...local.endpoints])].sort()) {
    let number = numberOf(family, endpoint, 0);
    for (let shift = 1; endpoints.has(number); shift++) number = numberOf(family, endpoint, shift);
    endpoints.set(number, endpoint);
    numbers.set(endpoint, number);
  }
  const numbered = ({ slotClass, endpoints }: Slots): Slots => ({
    slotClass,
    endpoints: endpoints.map((endpoint) => numbers.get(endpoint)!),
  });
  return { endpoints, cluster: numbered(cluster), local: numbered(local) };
}

/** An odd number whose multiples are far apart (2^32 divided by the golden ratio). */
const SPREAD = 0x9e3779b1;

/**
 * The number of an endpoint, written as an address: its address, changed by its port. Endpoints with one port, or with one
 * address, always have different numbers. Two others may have the same one, very rarely: then one of them is shifted.
 */
function numberOf(family: Family, endpoint: string, shift: number): Address {
  const { address, port } = readEndpoint(endpoint);
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
