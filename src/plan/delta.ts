// Delta: the difference between two states of the elements, as a value. Property tests check its laws:
// apply(a, diff(a, b)) = b; diff(a, a) is empty; apply(apply(a, d), e) = apply(a, compose(d, e)); and
// apply(apply(a, d), invert(d)) = a.

import { ElementMap } from "../fold/element_map.ts";
import { assert } from "../invariant.ts";
import { type Element, type ElementKey, type Elements, sameElement, type SetPath } from "../nft/ruleset.ts";

/** One element before and after. At least one of the two is defined, and they differ. */
export interface ElementChange {
  readonly set: SetPath;
  readonly key: ElementKey;
  readonly before: Element | undefined;
  readonly after: Element | undefined;
  /** Offset of the record that made the change necessary; undefined where none did, as after a listing. */
  readonly cause?: number;
}

/** Changes in the order of {@link compareChanges}; each element at most once. */
export type Delta = readonly ElementChange[];

/** As `Elements`, to be changed in place: the committed mirror is too large to copy for each batch. */
export type MutableElements = Map<SetPath, ElementMap>;

/** A copy of `elements`, to be changed in place. */
export function copyOf(elements: ReadonlyMap<SetPath, ElementMap>): MutableElements {
  return new Map([...elements].map(([set, keyed]) => [set, keyed.copy()]));
}

/** The delta that turns `a` into `b`. `causes` gives the record that made an element what it is in `b`. */
export function diff(
  a: Elements,
  b: Elements,
  causes?: ReadonlyMap<SetPath, Pick<ReadonlyMap<ElementKey, number>, "get">>,
): Delta {
  const changes: ElementChange[] = [];
  for (const set of [...new Set([...a.keys(), ...b.keys()])].sort()) {
    const [old, now, caused] = [a.get(set), b.get(set), causes?.get(set)];
    const keys = [...now?.keys() ?? []];
    for (const key of old?.keys() ?? []) if (!now?.has(key)) keys.push(key);
    for (const key of keys.sort()) {
      const [before, after] = [old?.get(key), now?.get(key)];
      if (sameElement(before, after)) continue;
      const cause = caused?.get(key);
      changes.push(cause === undefined ? { set, key, before, after } : { set, key, before, after, cause });
    }
  }
  return changes;
}

/** The delta that makes `desired` of nothing. As {@link diff}, without looking up each of the elements of a first sync. */
export function deltaFromNothing(desired: ReadonlyMap<SetPath, ElementMap>): Delta {
  const changes: ElementChange[] = [];
  for (const set of [...desired.keys()].sort()) {
    const own: ElementChange[] = [];
    desired.get(set)!.forEachCaused((after, cause) => {
      own.push({ set, key: after.key, before: undefined, after, cause });
    });
    for (const change of own.sort(compareChanges)) changes.push(change);
  }
  return changes;
}

/** Applies `delta` to `elements` in place. Throws where an element is not what the delta has before the change. */
export function applyDelta(elements: MutableElements, delta: Delta): void {
  for (const { set, key, before, after } of delta) {
    let keyed = elements.get(set);
    assert(sameElement(keyed?.get(key), before), () => `${set} { ${key} } is not what the delta changes`);
    if (keyed === undefined) elements.set(set, keyed = new ElementMap());
    if (after === undefined) keyed.delete(key);
    else keyed.put(after);
  }
}

/** The delta with the effect of `first`, then `second`. */
export function compose(first: Delta, second: Delta): Delta {
  const byPlace = new Map(first.map((change) => [place(change), change]));
  for (const change of second) {
    const earlier = byPlace.get(place(change));
    byPlace.set(place(change), earlier === undefined ? change : { ...change, before: earlier.before });
  }
  return [...byPlace.values()].filter(({ before, after }) => !sameElement(before, after)).sort(
    compareChanges,
  );
}

/** The delta that undoes `delta`. */
export function invert(delta: Delta): Delta {
  return delta.map(({ before, after, ...rest }) => ({ ...rest, before: after, after: before }));
}

/** The order of changes in a delta: by set, then key, by code units, so that no locale changes it. */
export function compareChanges(a: ElementChange, b: ElementChange): number {
  if (a.set !== b.set) return a.set < b.set ? -1 : 1;
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
}

function place({ set, key }: ElementChange): string {
  return `${set}\n${key}`;
}
