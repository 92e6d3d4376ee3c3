// Leads: where the packets of a frontend go, as data. A lead is a number, written as an address. A rule writes it into the
// packet's destination, and the rules behind it compare it; nothing is lost, because connection tracking keeps the original
// destination and the translation replaces the lead. Why not a map of verdicts? The kernel validates every chain that
// packets can reach, through each element of such a map, whenever one element with a chain is added.

import { assert } from "../invariant.ts";
import { type Address, canonicalAddress, type Family } from "../nft/data_type.ts";

/**
 * How a frontend is served: `cluster` and `external` differ in masquerading. `local` is external policy Local. In the maps of
 * frontends it means that there are two lists of endpoints, and in the maps of local frontends the list of the node's own.
 */
export type LeadKind = "cluster" | "external" | "local";

/** In place of a slot class: the ServicePort has ClientIP affinity. */
export const PINNED = 0xffff;

/** The same for internal policy Local: the list has the own node's endpoints alone, though the lead is not `local`. */
export const PINNED_LOCAL = 0xfffe;

/** In place of a slot class, with a number below 0x7000 added: ClientIP affinity at a cluster IP, with a timeout. */
const PINNED_FOR = 0x8000;

/** Timeouts up to this, in seconds, are in leads as they are; longer ones as multiples of {@link LONG_UNIT}. */
const EXACT_MAX = 0x3fff;

/** All longer timeouts are multiples of 600 s once they are rounded. */
const LONG_UNIT = 15;

/** In place of a slot class, with a number below 2^14 added: a chain of choice_chains.ts. */
export const BY_CLIENT = 0x4000;

const NUMBER: Readonly<Record<LeadKind, number>> = { cluster: 0, external: 1, local: 2 };

/**
 * The lead for `kind` and `slotClass` (or {@link PINNED} or {@link PINNED_LOCAL}): `0.1.0.4`, `100::1:4`. Nothing is ever sent to these addresses:
 * 0.0.0.0/8 is no destination (RFC 1122), 100::/64 is for discarding (RFC 6666).
 */
export function lead(family: Family, kind: LeadKind, slotClass: number): Address {
  assert(slotClass >= 1 && slotClass <= PINNED, `slot class ${slotClass}`);
  const number = NUMBER[kind];
  if (family === "ip") return canonicalAddress(`0.${number}.${slotClass >> 8}.${slotClass & 0xff}`);
  return canonicalAddress(`100::${number === 0 ? "" : `${number}:`}${slotClass.toString(16)}`);
}

/** The prefix of all leads of `family`. */
export function allLeads(family: Family): string {
  return family === "ip" ? "0.0.0.0/8" : "100::/64";
}

/** The prefix of all leads of `kind`: `0.1.0.0/16`, `100::1:0/112`. */
export function leadsOf(family: Family, kind: LeadKind): string {
  const number = NUMBER[kind];
  if (family === "ip") return `0.${number}.0.0/16`;
  return number === 0 ? "100::/112" : `100::${number}:0/112`;
}

/** The prefix of the leads of `kind` to endpoints that are chosen by the client: `0.1.64.0/18`, `100::1:4000/114`. */
export function leadsByClient(family: Family, kind: LeadKind): string {
  return family === "ip" ? `${lead(family, kind, BY_CLIENT)}/18` : `${lead(family, kind, BY_CLIENT)}/114`;
}

/** The lead of a cluster IP whose clients are pinned for `seconds` (at most a day): `0.0.128.60`, `100::803c`. */
export function leadPinnedFor(family: Family, seconds: number): Address {
  const number = seconds <= EXACT_MAX ? seconds : EXACT_MAX + Math.ceil(seconds / LONG_UNIT);
  return lead(family, "cluster", PINNED_FOR + number);
}

/** The prefix of all of {@link leadPinnedFor}. */
export function leadsPinnedFor(family: Family): string {
  return `${lead(family, "cluster", PINNED_FOR)}/${family === "ip" ? 17 : 113}`;
}
