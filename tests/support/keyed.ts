// Elements, or their causes, as Maps: assertions compare the entries of Maps, and see nothing of what other classes hold.

/** The entries of each set in `sets`. */
export function keyed<Path, Key, Value>(
  sets: Iterable<readonly [Path, Iterable<readonly [Key, Value]>]>,
): Map<Path, Map<Key, Value>> {
  return new Map([...sets].map(([path, entries]) => [path, new Map(entries)]));
}
