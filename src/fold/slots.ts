// Slots: the number of each endpoint in a frontend's slot maps. An endpoint that stays keeps its slot, so a change of one
// endpoint changes one to three elements, however many the Service has.

import { SLOT_CLASS_MAX } from "../limits/rules.ts";

/** An assignment of slots: endpoint i has slot i. */
export interface Slots {
  /** One of {@link SLOT_CLASSES}, with slotClass / 4 < endpoints.length <= slotClass; 1 when there is one endpoint or none. */
  readonly slotClass: number;
  readonly endpoints: readonly string[];
}

/**
 * Slot classes. A frontend with N endpoints has a class S with S/4 < N <= S. Most Services are small, and there a class between two
 * powers of two spares a draw that finds nothing; each class costs a chain in each flavour.
 */
export const SLOT_CLASSES: readonly number[] = [
  ...[1, 2, 3, 4, 6, 8, 12],
  ...Array.from({ length: Math.log2(SLOT_CLASS_MAX) - 3 }, (_, i) => 2 ** (i + 4)),
];

const NONE: readonly string[] = [];
const NO_HOLES: readonly number[] = [];

/** No endpoint. */
export const NO_SLOTS: Slots = { slotClass: 1, endpoints: [] };

/** A class shrinks when a quarter of it is used: at a half it would change with every event at a power of two. */
const SHRINK_AT = 4;

/**
 * Assigns slots to the endpoints `desired`, each of which occurs as often as its weight says, side by side, in an order that does
 * not depend on the order of events. Endpoints of `previous` keep their slots; new ones fill the holes in order; those behind the
 * new length move into the holes that are left. At most {@link SLOT_CLASS_MAX} endpoints get a slot, those of `previous` first.
 */
export function assignSlots(previous: Slots, desired: readonly string[]): Slots {
  if (previous.endpoints.length === 0) return firstSlots(previous, desired);
  // Nearly always nothing has changed: another port has, or the state is made from a snapshot.
  if (sameTexts(previous.endpoints, desired)) return refill(previous, NO_HOLES, NONE).slots;
  const wanted = new Map<string, number>();
  for (const endpoint of desired) wanted.set(endpoint, (wanted.get(endpoint) ?? 0) + 1);
  const holes: number[] = [];
  previous.endpoints.forEach((endpoint, slot) => {
    if (!take(wanted, endpoint)) holes.push(slot);
  });
  const newcomers = [...wanted].flatMap(([endpoint, slots]) => new Array<string>(slots).fill(endpoint));
  return refill(previous, holes, newcomers).slots;
}

/** {@link assignSlots} where there was no endpoint. */
function firstSlots(previous: Slots, desired: readonly string[]): Slots {
  const endpoints = desired.length <= SLOT_CLASS_MAX ? desired : desired.slice(0, SLOT_CLASS_MAX);
  const slotClass = classFor(previous.slotClass, endpoints.length);
  if (endpoints.length === 0 && slotClass === previous.slotClass) return previous;
  const slots: Slots = { slotClass, endpoints };
  markChanged(previous, slots, NO_HOLES);
  return slots;
}

function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** An assignment that was made from another one. */
export interface Refilled {
  readonly slots: Slots;
  /** The slots that have another endpoint now, or were added. */
  readonly filled: readonly number[];
  /** Newcomers without a slot, in their order. */
  readonly left: readonly string[];
}

/**
 * {@link assignSlots} where it is known what changes: the endpoints in `holes`, which are in order, go, and `newcomers` come. Costs
 * those, and a copy of the list.
 */
export function refill(
  previous: Slots,
  holes: readonly number[],
  newcomers: readonly string[],
): Refilled {
  const old = previous.endpoints;
  const survivors = old.length - holes.length;
  const room = SLOT_CLASS_MAX - survivors;
  const [come, left] = newcomers.length <= room
    ? [newcomers, NONE]
    : [newcomers.slice(0, room), newcomers.slice(room)];
  const length = survivors + come.length;
  const slotClass = classFor(previous.slotClass, length);
  // The same value says that nothing changed: frontends need not compare each slot then.
  const same = holes.length === 0 && come.length === 0 && slotClass === previous.slotClass;
  if (same) return { slots: previous, filled: NO_HOLES, left };
  const filled = holes.filter((slot) => slot < length);
  for (let slot = old.length; slot < length; slot++) filled.push(slot);
  const behind = new Set(holes.filter((slot) => slot >= length));
  const fill = [...come];
  for (let slot = length; slot < old.length; slot++) if (!behind.has(slot)) fill.push(old[slot]!);
  const endpoints = old.slice(0, length);
  filled.forEach((slot, i) => endpoints[slot] = fill[i]!);
  const slots: Slots = { slotClass, endpoints };
  markChanged(previous, slots, filled);
  return { slots, filled, left };
}

/** Slots of a part of a long list. */
const PART = 64;

/**
 * Long lists by part: a part that has the same mark in two lists has the same endpoints. So the few slots that differ between
 * thousands are found without comparing all.
 */
const marks = new WeakMap<Slots, readonly object[]>();

function markChanged(before: Slots, after: Slots, filled: readonly number[]): void {
  const parts = Math.ceil(after.endpoints.length / PART);
  if (parts <= 1) return;
  const now = (marks.get(before) ?? []).slice(0, parts);
  while (now.length < parts) now.push({});
  for (const slot of filled) now[Math.floor(slot / PART)] = {};
  // The last part may have lost its end.
  if (after.endpoints.length < before.endpoints.length) now[parts - 1] = {};
  marks.set(after, now);
}

/** Enters that `list` is `slots` in another notation: it differs from others where `slots` does. */
export function markAs(list: Slots, slots: Slots): void {
  const known = marks.get(slots);
  if (known !== undefined) marks.set(list, known);
}

/** The slots whose endpoints differ, or which only one of the two has. */
export function differingSlots(before: Slots, after: Slots): number[] {
  const [old, now] = [before.endpoints, after.endpoints];
  const length = Math.max(old.length, now.length);
  const [oldMarks, newMarks] = [marks.get(before), marks.get(after)];
  const slots: number[] = [];
  for (let part = 0; part * PART < length; part++) {
    const mark = oldMarks?.[part];
    if (mark !== undefined && mark === newMarks?.[part]) continue;
    const end = Math.min(length, (part + 1) * PART);
    for (let slot = part * PART; slot < end; slot++) if (old[slot] !== now[slot]) slots.push(slot);
  }
  return slots;
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
  const smallest = smallestClass(count);
  return smallest > before || count <= before / SHRINK_AT ? smallest : before;
}

/** The smallest class that has room for `count` endpoints, which is at most {@link SLOT_CLASS_MAX}. */
function smallestClass(count: number): number {
  return SLOT_CLASSES.find((slotClass) => slotClass >= count)!;
}
