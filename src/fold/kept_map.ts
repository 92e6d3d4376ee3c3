// A map that can keep what it holds at one moment while it changes. A snapshot is written in pieces, and the state changes between
// them. Why not copy the map? A copy of all elements blocks the loop for longer than any batch. So nothing is copied: what a key
// had is saved when it changes first.

/** What a map holds, or held. */
export interface ReadByKey<Key, Value> {
  get(key: Key): Value | undefined;
  keys(): Iterable<Key>;
}

/**
 * What a {@link KeptMap} held at one moment. Until it is disposed of, it saves one entry for each key that changes. A key that came
 * after the moment and went again has none: a tenant could make new ones for as long as a snapshot takes.
 */
export interface Kept<Key, Value> extends ReadByKey<Key, Value>, Disposable {}

/** The map. A value is never undefined. */
export class KeptMap<Key, Value> extends Map<Key, Value> {
  /** For each moment that is kept: what keys had then that have changed since, undefined for nothing. */
  readonly #saved = new Set<Map<Key, Value | undefined>>();

  override set(key: Key, value: Value): this {
    if (this.#saved.size > 0) this.#save(key);
    return super.set(key, value);
  }

  override delete(key: Key): boolean {
    if (this.#saved.size === 0) return super.delete(key);
    this.#save(key);
    const was = super.delete(key);
    for (const saved of this.#saved) if (saved.get(key) === undefined) saved.delete(key);
    return was;
  }

  override clear(): void {
    for (const key of this.#saved.size > 0 ? this.keys() : []) this.#save(key);
    super.clear();
  }

  /** What this map holds now, whatever changes later. */
  keep(): Kept<Key, Value> {
    const saved = new Map<Key, Value | undefined>();
    this.#saved.add(saved);
    return {
      get: (key) => saved.has(key) ? saved.get(key) : this.get(key),
      keys: () => {
        const same = [...this.keys()].filter((key) => !saved.has(key));
        for (const [key, value] of saved) if (value !== undefined) same.push(key);
        return same;
      },
      [Symbol.dispose]: () => void this.#saved.delete(saved),
    };
  }

  #save(key: Key): void {
    for (const saved of this.#saved) if (!saved.has(key)) saved.set(key, this.get(key));
  }
}
