// A map of which all values since the beginning of a window are kept, each with the offset of the record that made it.
// It shows the values at one moment. Why not apply changes to a map in place: to go to another moment would take time
// for all records in between; here it takes none, and only what is looked up is searched.

/** The moment that maps show: the offset of the last record folded. */
export interface Shown {
  at: number;
}

/** All values of one key, the oldest first; undefined where the key had none. */
interface Versions<Value> {
  readonly offsets: number[];
  readonly values: (Value | undefined)[];
}

/** The map. */
export class PastMap<Key, Value> implements ReadonlyMap<Key, Value> {
  readonly #shown: Shown;
  /** The values at the beginning of the window. */
  readonly #base: Map<Key, Value>;
  /** Those of the keys that changed since. */
  readonly #changed = new Map<Key, Versions<Value>>();

  constructor(shown: Shown, base: ReadonlyMap<Key, Value> = new Map<Key, Value>()) {
    this.#shown = shown;
    this.#base = new Map(base);
  }

  /** Notes that the record at `offset` made the value of `key` so. Offsets must not fall. */
  note(offset: number, key: Key, value: Value | undefined): void {
    const versions = this.#changed.get(key);
    if (versions === undefined) {
      this.#changed.set(key, { offsets: [-Infinity, offset], values: [this.#base.get(key), value] });
    } else {
      versions.offsets.push(offset);
      versions.values.push(value);
    }
  }

  /** The window begins with the record at `first` from now on: values that ended before are forgotten. */
  forgetBefore(first: number): void {
    for (const [key, { offsets, values }] of this.#changed) {
      const begin = lastAt(offsets, first - 1);
      offsets.splice(0, begin + 1, -Infinity);
      values.splice(0, begin);
      if (offsets.length > 1) continue;
      this.#changed.delete(key);
      if (values[0] === undefined) this.#base.delete(key);
      else this.#base.set(key, values[0]);
    }
  }

  get(key: Key): Value | undefined {
    const versions = this.#changed.get(key);
    if (versions === undefined) return this.#base.get(key);
    return versions.values[lastAt(versions.offsets, this.#shown.at)];
  }

  /** The value after all records. */
  latest(key: Key): Value | undefined {
    const versions = this.#changed.get(key);
    return versions === undefined ? this.#base.get(key) : versions.values.at(-1);
  }

  has(key: Key): boolean {
    return this.get(key) !== undefined;
  }

  /** Whether it has no value at any moment. */
  get isEmpty(): boolean {
    return this.#base.size + this.#changed.size === 0;
  }

  get size(): number {
    return [...this.entries()].length;
  }

  *entries(): Generator<[Key, Value], undefined, unknown> {
    for (const entry of this.#base) if (!this.#changed.has(entry[0])) yield entry;
    for (const [key, { offsets, values }] of this.#changed) {
      const value = values[lastAt(offsets, this.#shown.at)];
      if (value !== undefined) yield [key, value];
    }
    return undefined;
  }

  *keys(): Generator<Key, undefined, unknown> {
    for (const [key] of this.entries()) yield key;
    return undefined;
  }

  *values(): Generator<Value, undefined, unknown> {
    for (const [, value] of this.entries()) yield value;
    return undefined;
  }

  [Symbol.iterator](): Generator<[Key, Value], undefined, unknown> {
    return this.entries();
  }

  forEach(visit: (value: Value, key: Key, map: ReadonlyMap<Key, Value>) => void): void {
    for (const [key, value] of this.entries()) visit(value, key, this);
  }
}

/** Index of the last of `sorted` that is at most `at`; -1 where all are greater. */
export function lastAt(sorted: readonly number[], at: number): number {
  let [low, high] = [-1, sorted.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! <= at) low = middle;
    else high = middle;
  }
  return low;
}
