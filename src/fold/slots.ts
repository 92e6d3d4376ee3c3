// Slots: which endpoint has which number in a frontend's slot maps. Survivors keep theirs, so that a change of one
// endpoint changes one to three elements whatever else the Service has.

import { SLOT_CLASS_MAX } from "../limits.ts";

/** An assignment of slots: endpoint i has slot i. */
export interface Slots {
  /** A power of two with slotClass / 4 < endpoints.length <= slotClass; 1 when there is one endpoint or none. */
  readonly slotClass: number;
  readonly endpoints: readonly string[];
}

export const NO_SLOTS: Slots = { slotClass: 1, endpoints: [] };

/** Largest share of a class that makes it shrink: at a quarter, so that it does not flap at a power of two. */
const SHRINK_AT = 4;

/**
 * Assigns slots to `desired` (no endpoint twice, in any order that does not depend on arrival), given the assignment
 * before. Survivors stay; newcomers take the holes in order; what is left of the tail moves into remaining holes.
 * Takes at most {@link SLOT_CLASS_MAX} endpoints, those that have a slot already first; the rest has none.
 */
export function assignSlots(previous: Slots, desired: readonly string[]): Slots {
  const wanted = new Set(desired);
  const kept = previous.endpoints.map((endpoint) => wanted.delete(endpoint) ? endpoint : undefined);
  const survivors = kept.length - kept.filter((endpoint) => endpoint === undefined).length;
  const newcomers = [...wanted].slice(0, SLOT_CLASS_MAX - survivors);
  const length = survivors + newcomers.length;
  const endpoints = kept.slice(0, length);
  const tail = kept.slice(length).filter((endpoint) => endpoint !== undefined);
  const fill = [...newcomers, ...tail];
  let next = 0;
  for (let slot = 0; slot < length; slot++) endpoints[slot] ??= fill[next++]!;
  return { slotClass: classFor(previous.slotClass, length), endpoints: endpoints as string[] };
}

/** The class of `count` endpoints when it was `before`: grows at once, shrinks at a quarter. */
function classFor(before: number, count: number): number {
  const smallest = count <= 1 ? 1 : 2 ** Math.ceil(Math.log2(count));
  return smallest > before || count <= before / SHRINK_AT ? smallest : before;
}
