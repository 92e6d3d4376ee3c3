// The desired elements of one set or map, by key, each with its cause: the record that made it what it is. Why not two Maps? Each key would
// be entered in both, and a first sync enters three for each Service; `place_index.ts` says what a Map costs.

import type { Offset } from "../ledger/record.ts";
import { type Element, type ElementKey, sameElement } from "../nft/ruleset.ts";
import { type Kept, Moments, type ReadByKey } from "./kept_map.ts";
import { hashOfKey, PlaceIndex } from "./place_index.ts";

/** The elements. They are listed in the order in which they were entered, but one that is entered after a deletion takes its place. */
export class ElementMap implements ReadonlyMap<ElementKey, Element> {
  /** By place; undefined for one that was deleted. */
  #elements: (Element | undefined)[] = [];
  /** By place. A map of what the kernel holds has none. */
  #causes: (Offset | undefined)[] = [];
  readonly #places = new PlaceIndex((place) => this.#elements[place]!.key);
  /** Those at which causes are kept. */
  readonly #moments = new Moments<ElementKey, Offset>();
  readonly causes: Causes = new Causes(this);

  constructor(elements: Iterable<Element> = []) {
    for (const element of elements) this.put(element);
  }

  /** Another map with these elements and their causes. */
  copy(): ElementMap {
    const copy = new ElementMap();
    copy.#elements = [...this.#elements];
    copy.#causes = [...this.#causes];
    copy.#places.copy(this.#places);
    return copy;
  }

  get size(): number {
    return this.#places.size;
  }

  get(key: ElementKey): Element | undefined {
    const place = this.#find(key, hashOfKey(key));
    return place < 0 ? undefined : this.#elements[place];
  }

  has(key: ElementKey): boolean {
    return this.get(key) !== undefined;
  }

  /** The cause of the element at `key`. */
  causeOf(key: ElementKey): Offset | undefined {
    const place = this.#find(key, hashOfKey(key));
    return place < 0 ? undefined : this.#causes[place];
  }

  /** Puts `element` in place of what has its key. One that is equal stays as it is, with its cause; then it returns false. */
  put(element: Element, cause?: Offset): boolean {
    const { key } = element;
    const hash = hashOfKey(key);
    const place = this.#find(key, hash);
    if (place >= 0 && sameElement(this.#elements[place], element)) return false;
    this.#save(key, place);
    if (place < 0) this.#enter(element, hash, cause);
    else {
      this.#elements[place] = element;
      this.#causes[place] = cause;
    }
    return true;
  }

  /** Gives the element at `key` another cause, if there is one. */
  setCause(key: ElementKey, cause: Offset): void {
    const place = this.#find(key, hashOfKey(key));
    if (place < 0) return;
    this.#save(key, place);
    this.#causes[place] = cause;
  }

  /** Returns whether there was an element at `key`. */
  delete(key: ElementKey): boolean {
    const hash = hashOfKey(key);
    const place = this.#find(key, hash);
    if (place < 0) return false;
    this.#save(key, place);
    this.#places.free(place);
    this.#elements[place] = undefined;
    if (this.#places.isSparse) this.#shrink();
    if (this.#moments.any) this.#moments.removed(key);
    return true;
  }

  /** What keys had as causes at this moment, whatever changes later (see {@link Kept}). */
  keepCauses(): Kept<ElementKey, Offset> {
    return this.#moments.keep(this.causes);
  }

  *values(): MapIterator<Element> {
    for (const element of this.#elements) if (element !== undefined) yield element;
  }

  /** Calls `use` with each element and its cause. */
  forEachCaused(use: (element: Element, cause: Offset) => void): void {
    for (let place = 0; place < this.#elements.length; place++) {
      const element = this.#elements[place];
      if (element !== undefined) use(element, this.#causes[place]!);
    }
  }

  /** Each key with its cause. */
  *keyedCauses(): Generator<[ElementKey, Offset]> {
    for (let place = 0; place < this.#elements.length; place++) {
      const element = this.#elements[place];
      if (element !== undefined) yield [element.key, this.#causes[place]!];
    }
  }

  *keys(): MapIterator<ElementKey> {
    for (const { key } of this.values()) yield key;
  }

  *entries(): MapIterator<[ElementKey, Element]> {
    for (const element of this.values()) yield [element.key, element];
  }

  forEach(use: (element: Element, key: ElementKey, map: ReadonlyMap<ElementKey, Element>) => void): void {
    for (const element of this.values()) use(element, element.key, this);
  }

  [Symbol.iterator](): MapIterator<[ElementKey, Element]> {
    return this.entries();
  }

  /** The place of the element at `key`; -1 where there is none. */
  #find(key: ElementKey, hash: number): number {
    const places = this.#places;
    for (let at = places.first(hash); at >= 0; at = places.next(at, hash)) {
      if (this.#elements[at]!.key === key) return at;
    }
    return places.beyond(key);
  }

  #enter(element: Element, hash: number, cause: Offset | undefined): void {
    const place = this.#places.take();
    this.#elements[place] = element;
    this.#causes[place] = cause;
    this.#places.enter(place, hash);
  }

  /** Gives back the room of deleted elements. The others keep their order. */
  #shrink(): void {
    const [elements, causes] = [this.#elements, this.#causes];
    this.#elements = [];
    this.#causes = [];
    this.#places.clear();
    elements.forEach((element, place) => {
      if (element !== undefined) this.#enter(element, hashOfKey(element.key), causes[place]);
    });
  }

  /** Before what `key` has at `place`, or has not, changes. */
  #save(key: ElementKey, place: number): void {
    if (this.#moments.any) this.#moments.changes(key, place < 0 ? undefined : this.#causes[place]);
  }
}

/** The causes of the elements of an {@link ElementMap}, by key. */
export class Causes implements ReadByKey<ElementKey, Offset>, Iterable<[ElementKey, Offset]> {
  readonly #elements: ElementMap;

  constructor(elements: ElementMap) {
    this.#elements = elements;
  }

  get(key: ElementKey): Offset | undefined {
    return this.#elements.causeOf(key);
  }

  get size(): number {
    return this.#elements.size;
  }

  keys(): MapIterator<ElementKey> {
    return this.#elements.keys();
  }

  *values(): Generator<Offset> {
    for (const [, cause] of this) yield cause;
  }

  /** The causes as they are now, whatever changes later; see {@link ElementMap.keepCauses}. */
  keep(): Kept<ElementKey, Offset> {
    return this.#elements.keepCauses();
  }

  entries(): Generator<[ElementKey, Offset]> {
    return this.#elements.keyedCauses();
  }

  [Symbol.iterator](): Generator<[ElementKey, Offset]> {
    return this.entries();
  }
}
