// Slots: the number of each endpoint in a frontend's slot maps. An endpoint that stays keeps its slot, so a change of one
// endpoint changes one to three elements, however many the Service has.

import { SLOT_CLASS_MAX } from "../limits.ts";

/** An assignment of slots: endpoint i has slot i. */
export interface Slots {
  /** A power of two with slotClass / 4 < endpoints.length <= slotClass; 1 when there is one endpoint or none. */
  readonly slotClass: number;
  readonly endpoints: readonly string[];
}

/** No endpoint. */
export const NO_SLOTS: Slots = { slotClass: 1, endpoints: [] };

/** A class shrinks when a quarter of it is used: at a half it would change with every event at a power of two. */
const SHRINK_AT = 4;

/**
 * Assigns slots to the endpoints `desired`, each of which occurs as often as its weight says, in an order that does not depend on
 * the order of events. Endpoints of `previous` keep their slots; new ones fill the holes in order; those behind the new length move into
 * the holes that are left. At most {@link SLOT_CLASS_MAX} endpoints get a slot, those of `previous` first.
 */
export function assignSlots(previous: Slots, desired: readonly string[]): Slots {
  const wanted = new Map<string, number>();
  for (const endpoint of desired) wanted.set(endpoint, (wanted.get(endpoint) ?? 0) + 1);
  const kept = previous.endpoints.map((endpoint) => take(wanted, endpoint) ? endpoint : undefined);
  const survivors = kept.length - kept.filter((endpoint) => endpoint === undefined).length;
  const newcomers = [...wanted].flatMap(([endpoint, slots]) => new Array<string>(slots).fill(endpoint))
    .slice(0, SLOT_CLASS_MAX - survivors);
  const length = survivors + newcomers.length;
  const endpoints = new Array<string>(length);
  const tail = kept.slice(length).filter((endpoint) => endpoint !== undefined);
  const fill = [...newcomers, ...tail];
  let next = 0;
  for (let slot = 0; slot < length; slot++) endpoints[slot] = kept[slot] ?? fill[next++]!;
  const slotClass = classFor(previous.slotClass, length);
  // The same value says that nothing changed: frontends need not compare each slot then.
  const same = next === 0 && length === previous.endpoints.length && slotClass === previous.slotClass;
  return same ? previous : { slotClass, endpoints };
}

/** Takes one slot of `endpoint` from those that are wanted. */
function take(wanted: Map<string, number>, endpoint: string): boolean {
  const slots = wanted.get(endpoint);
  if (slots === undefined) return false;
  if (slots === 1) wanted.delete(endpoint);
  else wanted.set(endpoint, slots - 1);
  return true;
}

/** The class of `count` endpoints where it was `before`. */
function classFor(before: number, count: number): number {
  const smallest = count <= 1 ? 1 : 2 ** Math.ceil(Math.log2(count));
  return smallest > before || count <= before / SHRINK_AT ? smallest : before;
}
