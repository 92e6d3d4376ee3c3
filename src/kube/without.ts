// A value without some of its parts: an object that is wrong in one part is decoded without that part.

import { isComposite } from "./json_value.ts";

/** Keys and list positions from the outermost value to a part of it. */
export type Path = readonly PropertyKey[];

/** `value` without the parts at `paths`. Parts that are not on such a path are shared, and a list closes its gaps. */
export function without(value: unknown, paths: readonly Path[]): unknown {
  if (typeof value !== "object" || value === null || paths.length === 0) return value;
  const below = new Map<PropertyKey, Path[]>();
  for (const [key, ...rest] of paths) {
    if (key !== undefined) below.set(key, [...below.get(key) ?? [], rest]);
  }
  const goes = (key: PropertyKey) => below.get(key)?.some((rest) => rest.length === 0) ?? false;
  if (Array.isArray(value)) {
    return value.flatMap((item, i) => goes(i) ? [] : [without(item, below.get(i) ?? [])]);
  }
  const kept = Object.entries(value).filter(([key]) => !goes(key));
  return Object.fromEntries(kept.map(([key, field]) => [key, without(field, below.get(key) ?? [])]));
}

/** The part at `path` in `value`; undefined if there is none. */
export function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((at, key) => isComposite(at) ? Reflect.get(at, key) : undefined, value);
}
