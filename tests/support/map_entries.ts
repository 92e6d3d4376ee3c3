// What a piece of work leaves in maps: a bound of what is saved beside it.

/** Entries that the maps have in which `work` has entered something. */
export function entriesLeftBy(work: () => void): number {
  const { set } = Map.prototype;
  const used = new Set<Map<unknown, unknown>>();
  Map.prototype.set = function (key, value) {
    used.add(this);
    return Reflect.apply(set, this, [key, value]);
  };
  try {
    work();
  } finally {
    Map.prototype.set = set;
  }
  return [...used].reduce((sum, { size }) => sum + size, 0);
}
