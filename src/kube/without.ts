// A value without some of its parts, so that what is wrong with a part need not cost the whole.

/** Keys and list positions from the outermost value to a part of it. */
export type Path = readonly PropertyKey[];

/** `value` without the parts at `paths`; what is not on the way to one is shared. A list closes up. */
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

/** What is at `path` in `value`; undefined where there is nothing. */
export function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (at, key) =>
      typeof at === "object" && at !== null ? (at as Record<PropertyKey, unknown>)[key] : undefined,
    value,
  );
}
