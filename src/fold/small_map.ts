// A map that nearly always has one entry, such as the slices of a Service. Why not a Map? One with a single entry takes four times
// the memory, and what is entered in one is hashed: that takes longer than all that is done with the entry.

/** The map. A value is never undefined. */
export class SmallMap<Key, Value> implements Iterable<readonly [Key, Value]> {
  /** The only entry, where there is one alone. */
  #key: Key | undefined;
  #value: Value | undefined;
  /** All entries, once there was more than one. */
  #all: Map<Key, Value> | undefined;

  get size(): number {
    return this.#all?.size ?? (this.#value === undefined ? 0 : 1);
  }

  get(key: Key): Value | undefined {
    if (this.#all !== undefined) return this.#all.get(key);
    return this.#key === key ? this.#value : undefined;
  }

  has(key: Key): boolean {
    return this.get(key) !== undefined;
  }

  set(key: Key, value: Value): this {
    if (this.#all === undefined && this.#value !== undefined && this.#key !== key) {
      this.#all = new Map([[this.#key!, this.#value]]);
      this.#key = this.#value = undefined;
    }
    if (this.#all === undefined) {
      this.#key = key;
      this.#value = value;
    } else this.#all.set(key, value);
    return this;
  }

  delete(key: Key): boolean {
    if (this.#all !== undefined) return this.#all.delete(key);
    if (this.#value === undefined || this.#key !== key) return false;
    this.#key = this.#value = undefined;
    return true;
  }

  /** The values as a list. */
  values(): readonly Value[] {
    if (this.#all !== undefined) return [...this.#all.values()];
    return this.#value === undefined ? [] : [this.#value];
  }

  [Symbol.iterator](): Iterator<readonly [Key, Value]> {
    if (this.#all !== undefined) return this.#all.entries();
    const entries: (readonly [Key, Value])[] = this.#value === undefined ? [] : [[this.#key!, this.#value]];
    return entries.values();
  }
}
