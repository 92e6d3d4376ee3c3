// A map that can keep what it holds at one moment while it changes. A snapshot is written in pieces, and the state changes between
// them. Why not copy the map? A copy of all elements blocks the loop for longer than any batch. So nothing is copied: what a key
// had is saved when it changes first.

/** What a map holds, or held. */
export interface ReadByKey<Key, Value> {
  get(key: Key): Value | undefined;
  entries(): Iterable<readonly [Key, Value]>;
}

/**
 * What a map held at one moment. Until it is disposed of, it saves one entry for each key that changes. A key that came
 * after the moment and went again has none: a tenant could make new ones for as long as a snapshot takes.
 */
export interface Kept<Key, Value> extends ReadByKey<Key, Value>, Disposable {}

/** The moments at which a map is kept: what keys had then that have changed since. A value is never undefined. */
export class Moments<Key, Value> {
  /** For each moment; undefined for a key that had nothing. */
  readonly #saved = new Set<Map<Key, Value | undefined>>();

  /** Whether there is any. Only then are {@link changes} and {@link removed} to be called. */
  get any(): boolean {
    return this.#saved.size > 0;
  }

  /** Before `key`, which has `value`, gets another one or none. */
  changes(key: Key, value: Value | undefined): void {
    for (const saved of this.#saved) if (!saved.has(key)) saved.set(key, value);
  }

  /** After `key` has lost its value. */
  removed(key: Key): void {
    for (const saved of this.#saved) if (saved.get(key) === undefined) saved.delete(key);
  }

  /** Keeps what `map` holds now. */
  keep(map: ReadByKey<Key, Value>): Kept<Key, Value> {
    const saved = new Map<Key, Value | undefined>();
    this.#saved.add(saved);
    // Nearly always nothing has changed yet. To look a text up in a Map costs more than the rest.
    const changed = (key: Key) => saved.size > 0 && saved.has(key);
    return {
      get: (key) => changed(key) ? saved.get(key) : map.get(key),
      entries: () => {
        const all: (readonly [Key, Value])[] = [];
        for (const entry of map.entries()) if (!changed(entry[0])) all.push(entry);
        for (const [key, value] of saved) if (value !== undefined) all.push([key, value]);
        return all;
      },
      [Symbol.dispose]: () => void this.#saved.delete(saved),
    };
  }
}

/** The map. A value is never undefined. */
export class KeptMap<Key, Value> extends Map<Key, Value> {
  readonly #moments = new Moments<Key, Value>();

  override set(key: Key, value: Value): this {
    if (this.#moments.any) this.#moments.changes(key, this.get(key));
    return super.set(key, value);
  }

  override delete(key: Key): boolean {
    if (!this.#moments.any) return super.delete(key);
    this.#moments.changes(key, this.get(key));
    const was = super.delete(key);
    this.#moments.removed(key);
    return was;
  }

  override clear(): void {
    for (const [key, value] of this.#moments.any ? this : []) this.#moments.changes(key, value);
    super.clear();
  }

  /** What this map holds now, whatever changes later. */
  keep(): Kept<Key, Value> {
    return this.#moments.keep(this);
  }
}
