// The desired elements of one set or map, by key, each with its cause: the record that made it what it is. Why no Map? Nearly every key
// is a text that was made to be entered. V8 keeps each text that is looked up in a Map in one table of all such texts, which takes a
// microsecond for a new one and copies it, and a second Map for the causes would take as much again. Here a key is hashed where it is,
// and entered once. A first sync enters three for each Service.
//
// The hash is known to all, so a user who chooses addresses and ports may find keys that meet in one chain. A chain has a bound: what
// is beyond it is in a Map.

import type { Offset } from "../ledger/record.ts";
import { type Element, type ElementKey, sameElement } from "../nft/ruleset.ts";
import { type Kept, Moments, type ReadByKey } from "./kept_map.ts";

/** Room for elements when the first one is entered. It doubles. */
const FIRST_ROOM = 4;

/** Where fewer than this share of the places have an element, the others are given back. */
const KEPT_SHARE = 1 / 4;

/** Most elements of a chain. There is one chain for each element, so chance makes none of ten. */
const CHAIN_MAX = 32;

const NO_NUMBERS = new Int32Array();

/** The elements. They are listed in the order in which they were entered, but one that is entered after a deletion takes its place. */
export class ElementMap implements ReadonlyMap<ElementKey, Element> {
  /** By place; undefined for one that was deleted. */
  #elements: (Element | undefined)[] = [];
  #causes: Offset[] = [];
  /** By place: the hash of the key, and the place of the next element of the chain plus 1; 0 ends it. */
  #hashes = NO_NUMBERS;
  #next = NO_NUMBERS;
  /** By hash: where a chain begins, as in `next`. There are as many as there is room for elements. */
  #chains = NO_NUMBERS;
  /** Places of those whose chain is full. */
  #beyond: Map<ElementKey, number> | undefined;
  /** The chain of the places of deleted elements. */
  #free = 0;
  #size = 0;
  /** Those at which causes are kept. */
  readonly #moments = new Moments<ElementKey, Offset>();
  readonly causes: Causes = new Causes(this);

  get size(): number {
    return this.#size;
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
  put(element: Element, cause: Offset): boolean {
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
    if (this.#beyond?.delete(key) !== true) this.#unlink(place, hash);
    this.#elements[place] = undefined;
    this.#next[place] = this.#free;
    this.#free = place + 1;
    this.#size--;
    if (this.#size < this.#elements.length * KEPT_SHARE) this.#shrink();
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
    const chains = this.#chains;
    if (chains.length === 0) return -1;
    const hashes = this.#hashes;
    const next = this.#next;
    for (let at = chains[hash & (chains.length - 1)]!; at !== 0; at = next[at - 1]!) {
      if (hashes[at - 1] === hash && this.#elements[at - 1]!.key === key) return at - 1;
    }
    return this.#beyond?.get(key) ?? -1;
  }

  #enter(element: Element, hash: number, cause: Offset): void {
    let place = this.#free - 1;
    if (place >= 0) this.#free = this.#next[place]!;
    else {
      place = this.#elements.length;
      if (place === this.#chains.length) this.#grow();
    }
    this.#elements[place] = element;
    this.#causes[place] = cause;
    this.#hashes[place] = hash;
    this.#link(place);
    this.#size++;
  }

  /** Puts the element at `place` before the others of its chain. */
  #link(place: number): void {
    const chains = this.#chains;
    const chain = this.#hashes[place]! & (chains.length - 1);
    let length = 0;
    for (let at = chains[chain]!; at !== 0; at = this.#next[at - 1]!) length++;
    if (length >= CHAIN_MAX) {
      (this.#beyond ??= new Map()).set(this.#elements[place]!.key, place);
      return;
    }
    this.#next[place] = chains[chain]!;
    chains[chain] = place + 1;
  }

  #unlink(place: number, hash: number): void {
    const chains = this.#chains;
    const next = this.#next;
    const chain = hash & (chains.length - 1);
    if (chains[chain] === place + 1) {
      chains[chain] = next[place]!;
      return;
    }
    let before = chains[chain]! - 1;
    while (next[before] !== place + 1) before = next[before]! - 1;
    next[before] = next[place]!;
  }

  /** Makes room for twice as many elements. Every place has one. */
  #grow(): void {
    const room = Math.max(FIRST_ROOM, 2 * this.#chains.length);
    const hashes = new Int32Array(room);
    hashes.set(this.#hashes);
    this.#hashes = hashes;
    this.#next = new Int32Array(room);
    this.#chains = new Int32Array(room);
    this.#beyond = undefined;
    for (let place = 0; place < this.#elements.length; place++) this.#link(place);
  }

  /** Gives back the room of deleted elements. The others keep their order. */
  #shrink(): void {
    const [elements, causes, hashes] = [this.#elements, this.#causes, this.#hashes];
    this.#elements = [];
    this.#causes = [];
    this.#hashes = this.#next = this.#chains = NO_NUMBERS;
    this.#beyond = undefined;
    this.#free = this.#size = 0;
    elements.forEach((element, place) => {
      if (element !== undefined) this.#enter(element, hashes[place]!, causes[place]!);
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

  keys(): Iterable<ElementKey> {
    return this.#elements.keys();
  }

  *values(): Generator<Offset> {
    for (const [, cause] of this) yield cause;
  }

  /** The causes as they are now, whatever changes later; see {@link ElementMap.keepCauses}. */
  keep(): Kept<ElementKey, Offset> {
    return this.#elements.keepCauses();
  }

  [Symbol.iterator](): Generator<[ElementKey, Offset]> {
    return this.#elements.keyedCauses();
  }
}

/** FNV-1a of the code units, with the upper bits in the lower ones. */
export function hashOfKey(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash ^ (hash >>> 15);
}
