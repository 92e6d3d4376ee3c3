// A map whose keys are texts, nearly each of which is entered once and seldom looked up; `place_index.ts` says why that is no Map.

import { type Kept, Moments, type ReadByKey } from "./kept_map.ts";
import { hashOfKey, PlaceIndex } from "./place_index.ts";

/** The map, which can be kept as a `KeptMap` can. A value is never undefined. */
export class TextMap<Value> implements ReadByKey<string, Value> {
  /** By place; undefined for one that was deleted. */
  #keys: (string | undefined)[] = [];
  #values: (Value | undefined)[] = [];
  readonly #places = new PlaceIndex((place) => this.#keys[place]!);
  readonly #moments = new Moments<string, Value>();

  get size(): number {
    return this.#places.size;
  }

  get(key: string): Value | undefined {
    const place = this.#find(key, hashOfKey(key));
    return place < 0 ? undefined : this.#values[place];
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  set(key: string, value: Value): void {
    const hash = hashOfKey(key);
    const place = this.#find(key, hash);
    if (this.#moments.any) this.#moments.changes(key, place < 0 ? undefined : this.#values[place]);
    if (place >= 0) this.#values[place] = value;
    else this.#enter(key, hash, value);
  }

  /** Returns whether there was an entry. */
  delete(key: string): boolean {
    const place = this.#find(key, hashOfKey(key));
    if (place < 0) return false;
    if (this.#moments.any) this.#moments.changes(key, this.#values[place]);
    this.#places.free(place);
    this.#keys[place] = this.#values[place] = undefined;
    if (this.#places.isSparse) this.#shrink();
    if (this.#moments.any) this.#moments.removed(key);
    return true;
  }

  *entries(): Generator<[string, Value]> {
    for (let place = 0; place < this.#keys.length; place++) {
      const key = this.#keys[place];
      if (key !== undefined) yield [key, this.#values[place]!];
    }
  }

  *values(): Generator<Value> {
    for (const value of this.#values) if (value !== undefined) yield value;
  }

  /** What this map holds now, whatever changes later. */
  keep(): Kept<string, Value> {
    return this.#moments.keep(this);
  }

  #find(key: string, hash: number): number {
    const places = this.#places;
    for (let at = places.first(hash); at >= 0; at = places.next(at, hash)) {
      if (this.#keys[at] === key) return at;
    }
    return places.beyond(key);
  }

  #enter(key: string, hash: number, value: Value): void {
    const place = this.#places.take();
    this.#keys[place] = key;
    this.#values[place] = value;
    this.#places.enter(place, hash);
  }

  /** Gives back the room of deleted entries. */
  #shrink(): void {
    const [keys, values] = [this.#keys, this.#values];
    this.#keys = [];
    this.#values = [];
    this.#places.clear();
    keys.forEach((key, place) => {
      if (key !== undefined) this.#enter(key, hashOfKey(key), values[place]!);
    });
  }
}
