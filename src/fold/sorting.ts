// Sorts in steps: a caller that must not block for long may pause between them. To sort all names of a large cluster at once, or
// all elements of a large Service, takes longer than any batch.

import { SORTED_AT_ONCE } from "../limits/rules.ts";

/** The order of two items, as `Array.sort` takes it. */
type Compare<T> = (a: T, b: T) => number;

/** Sorts `items`; yields where the caller may pause. As `Array.sort`, it keeps the order of items that are equal. */
export function* sortInSteps<T>(items: readonly T[], compare: Compare<T>): Generator<undefined, T[]> {
  let runs: T[][] = [];
  for (let at = 0; at < items.length; at += SORTED_AT_ONCE) {
    runs.push(items.slice(at, at + SORTED_AT_ONCE).sort(compare));
    if (items.length > SORTED_AT_ONCE) yield;
  }
  while (runs.length > 1) {
    const merged: T[][] = [];
    for (let i = 0; i < runs.length; i += 2) {
      merged.push(i + 1 < runs.length ? yield* merge(runs[i]!, runs[i + 1]!, compare) : runs[i]!);
    }
    runs = merged;
  }
  return runs[0] ?? [];
}

/** Both of `a` and `b`, which are sorted. */
function* merge<T>(a: readonly T[], b: readonly T[], compare: Compare<T>): Generator<undefined, T[]> {
  const merged: T[] = [];
  for (let i = 0, j = 0; merged.length < a.length + b.length;) {
    const takesFirst = j === b.length || (i < a.length && compare(a[i]!, b[j]!) <= 0);
    merged.push(takesFirst ? a[i++]! : b[j++]!);
    if (merged.length % SORTED_AT_ONCE === 0) yield;
  }
  return merged;
}
