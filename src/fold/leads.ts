// Leads: where the packets of a frontend go, as data. A lead is a number. A rule writes it into the packet's priority, and the rules
// behind it compare it. Why not a map of verdicts? The kernel validates every chain that packets can reach, through each element of
// such a map, whenever one element with a chain is added. Why the priority? Rules of others keep marks, and a destination takes the
// kernel five times as long to write. A priority is for queueing disciplines alone: where a packet is forwarded over IPv4, the
// kernel writes another one afterwards (ip_forward). Only the first packet of a connection gets one here, and it means nothing to
// them: a discipline compares it with its handle, which is below c000: unless it was made so or after 16,384 others, and the lowest
// four bits, by which some choose a band, are those of 0.

import { assert } from "../invariant.ts";
import { classidNumber, classidText } from "../nft/data_type.ts";
import type { Statement } from "../nft/statement.ts";
import { SLOT_CLASSES } from "./slots.ts";

/**
 * How a frontend is served: `cluster` and `external` differ in masquerading. `local` is external policy Local. In the maps of
 * frontends it means that there are two lists of endpoints, and in the maps of local frontends the list of the node's own.
 */
export type LeadKind = "cluster" | "external" | "local";

/** Leads and numbers of endpoints (pinned_endpoints.ts) differ in the third bit from the left: 0xe and 0xc or 0xd. */
const LEAD = 0xe000_0000;
const NUMBER = 0xc000_0000;
const LEAD_BIT = 0x2000_0000;

/** The two bits of a kind, the bits of a slot class, and where a timeout begins. */
const KIND: Readonly<Record<LeadKind, number>> = {
  cluster: 0x400_0000,
  external: 0x800_0000,
  local: 0xc00_0000,
};
const KIND_BITS = 0xc00_0000;
const CLASS_SHIFT = 4;
const CLASS_BITS = 0xf << CLASS_SHIFT;
/** Set in place of a slot class, with a number for the way: the frontend is not the ServicePort's cluster IP, or has two lists. */
const WAY_BIT = 0x10 << CLASS_SHIFT;
const TIMEOUT_SHIFT = 9;

/** Set where clients are pinned, or chosen for. */
const PINNED_BIT = 0x200_0000;
const BY_CLIENT_BIT = 0x100_0000;

/** Timeouts up to this, in seconds, are in leads as they are; longer ones as multiples of {@link LONG_UNIT}. */
const EXACT_MAX = 0x3fff;
/** All longer timeouts are multiples of 300 s once they are rounded; one of a ledger that has no rounding is longer by up to 14 s. */
const LONG_UNIT = 15;
const TIMEOUT_BITS = 0x7fff << TIMEOUT_SHIFT;

/** The lead for `kind` and a slot class: `e400:30`. */
export function lead(kind: LeadKind, slotClass: number): string {
  return classidText((LEAD | KIND[kind] | classBits(slotClass)) >>> 0);
}

function classBits(slotClass: number): number {
  const index = SLOT_CLASSES.indexOf(slotClass);
  assert(index >= 0 && index << CLASS_SHIFT <= CLASS_BITS, `slot class ${slotClass}`);
  return index << CLASS_SHIFT;
}

/** The lead for `kind` to chain `number` of choice_chains.ts; below 2^16. */
export function leadByClient(kind: LeadKind, number: number): string {
  return classidText((LEAD | KIND[kind] | BY_CLIENT_BIT | number << CLASS_SHIFT) >>> 0);
}

/** How clients are pinned at a frontend. */
export interface Pinning {
  /** At most a day. */
  readonly seconds: number;
  /** At the cluster IP, and with one list. */
  readonly short: boolean;
  readonly at: "address" | "nodeport";
  readonly list: "cluster" | "local";
}

/** The lead of a frontend whose clients are pinned; the slot class is that of the cluster IP alone. */
export function pinnedLead(kind: LeadKind, pinning: Pinning, slotClass: number): string {
  const { seconds, short, at, list } = pinning;
  const timeout = seconds <= EXACT_MAX ? seconds : EXACT_MAX + Math.ceil(seconds / LONG_UNIT);
  const way = (at === "nodeport" ? 1 : 0) + (list === "local" ? 2 : 0);
  const last = short ? classBits(slotClass) : WAY_BIT | way << CLASS_SHIFT;
  return classidText((LEAD | KIND[kind] | PINNED_BIT | timeout << TIMEOUT_SHIFT | last) >>> 0);
}

/** What {@link pinnedLead} made `text` from; undefined for any other lead. */
export function pinningOf(text: string): Pinning | undefined {
  const number = classidNumber(text);
  if ((number & PINNED_BIT) === 0) return undefined;
  const timeout = (number & TIMEOUT_BITS) >> TIMEOUT_SHIFT;
  const seconds = timeout <= EXACT_MAX ? timeout : (timeout - EXACT_MAX) * LONG_UNIT;
  const short = (number & WAY_BIT) === 0;
  const way = short ? 0 : (number & CLASS_BITS) >> CLASS_SHIFT;
  return {
    seconds,
    short,
    at: (way & 1) !== 0 ? "nodeport" : "address",
    list: (way & 2) !== 0 ? "local" : "cluster",
  };
}

/** How many numbers of endpoints there are: 2^25. */
export const ENDPOINT_NUMBERS = 0x200_0000;

/** The number of an endpoint, from 0 to {@link ENDPOINT_NUMBERS} - 1, as a packet has it. */
export function endpointNumber(number: number): string {
  return classidText((NUMBER | number << CLASS_SHIFT) >>> 0);
}

/** Whether the packet's lead is of `kind`. */
export function isLead(operator: "==" | "!=", kind: LeadKind): Statement {
  return test(KIND_BITS, operator, KIND[kind]);
}

/** Whether the packet has a lead of clients that are pinned. */
export const IS_PINNED: Statement = test(PINNED_BIT, "==", PINNED_BIT);

/** Whether the packet has the number of an endpoint, and no lead. */
export const IS_NUMBERED: Statement = test(LEAD_BIT, "!=", LEAD_BIT);

/** Whether the lead is that of a cluster IP whose clients are pinned for `seconds`, whatever its slot class. */
export function isPinnedFor(seconds: number): Statement {
  const bits = KIND_BITS | PINNED_BIT | TIMEOUT_BITS | WAY_BIT;
  return test(bits, "==", KIND.cluster | PINNED_BIT | seconds << TIMEOUT_SHIFT);
}

/** Whether the packet has a lead, and of `slotClass`. */
export function isClass(slotClass: number): Statement {
  return test(LEAD_BIT | CLASS_BITS, "==", LEAD_BIT | classBits(slotClass));
}

function test(bits: number, operator: "==" | "!=", value: number): Statement {
  return { kind: "priority-test", mask: classidText(bits), operator, value: classidText(value) };
}
