// Where the entries of a table are, by the hashes of their keys. The table has them in a list and compares their keys itself. Why no Map?
// Nearly every key is a text that was made to be entered. V8 keeps each text that is looked up in a Map in one table of all such texts,
// which takes a microsecond for a new one and copies it. Here a key is hashed where it is, and need not be one text.
//
// The hash is known to all, so a user who chooses addresses, ports or names may find keys that meet in one chain. A chain has a bound:
// what is beyond it is in a Map.

/** Room for entries when the first one is entered. It doubles. */
const FIRST_ROOM = 4;

/** Where fewer than this share of the places are taken, the others should be given back. */
const KEPT_SHARE = 1 / 4;

/** Most places of a chain. There is one chain for each place, so chance makes none of ten. */
const CHAIN_MAX = 32;

const NO_NUMBERS = new Int32Array();

/** The places. A place is where the table has an entry in its list; -1 stands for none. */
export class PlaceIndex {
  /**
   * Two numbers for each place: the hash of the key, and the next place of the chain plus 1; 0 ends it. Why not two lists? What is
   * looked up is seldom in the processor's cache, and this needs one line of it.
   */
  #links = NO_NUMBERS;
  /** By hash: where a chain begins, as the second number of a link. There are as many as there is room for places. */
  #chains = NO_NUMBERS;
  /** Places of those whose chain is full, by the texts of their keys. */
  #beyond: Map<string, number> | undefined;
  /** The chain of the places that are free again. */
  #free = 0;
  /** Places that were ever taken. */
  #length = 0;
  #size = 0;
  readonly #textAt: (place: number) => string;

  /** `textAt`: the key of the entry at a place as a text, another one for each key. */
  constructor(textAt: (place: number) => string) {
    this.#textAt = textAt;
  }

  /** How many places are taken. */
  get size(): number {
    return this.#size;
  }

  /** Whether few of the places are taken, so that all should be entered anew, after {@link clear}. */
  get isSparse(): boolean {
    return this.#size < this.#length * KEPT_SHARE;
  }

  /** The first place whose key may be the one that has `hash`. */
  first(hash: number): number {
    const chains = this.#chains;
    return chains.length === 0 ? -1 : this.#from(chains[hash & (chains.length - 1)]!, hash);
  }

  /** As {@link first}: the next one behind `place`. */
  next(place: number, hash: number): number {
    return this.#from(this.#links[2 * place + 1]!, hash);
  }

  #from(at: number, hash: number): number {
    const links = this.#links;
    while (at !== 0 && links[2 * at - 2] !== hash) at = links[2 * at - 1]!;
    return at - 1;
  }

  /** The place of the key that is `text`, where its chain was full. */
  beyond(text: string): number {
    return this.#beyond?.get(text) ?? -1;
  }

  /** Whether some places are found by {@link beyond} alone. */
  get someBeyond(): boolean {
    return this.#beyond !== undefined && this.#beyond.size > 0;
  }

  /** A place for one more entry. Once the table has it there, {@link enter} is to be called. */
  take(): number {
    const place = this.#free - 1;
    if (place < 0) return this.#length++;
    this.#free = this.#links[2 * place + 1]!;
    return place;
  }

  /** Enters `place`, whose key has `hash`. */
  enter(place: number, hash: number): void {
    if (place >= this.#chains.length) this.#grow();
    this.#links[2 * place] = hash;
    this.#link(place);
    this.#size++;
  }

  /** Frees `place`, while the table still has its entry. */
  free(place: number): void {
    if (!this.someBeyond || !this.#beyond!.delete(this.#textAt(place))) this.#unlink(place);
    this.#links[2 * place + 1] = this.#free;
    this.#free = place + 1;
    this.#size--;
  }

  /** Takes the places of `other`, whose table has the same entries. */
  copy(other: PlaceIndex): void {
    this.#links = other.#links.slice();
    this.#chains = other.#chains.slice();
    this.#beyond = other.#beyond && new Map(other.#beyond);
    this.#free = other.#free;
    this.#length = other.#length;
    this.#size = other.#size;
  }

  /** Frees all places. */
  clear(): void {
    this.#links = this.#chains = NO_NUMBERS;
    this.#beyond = undefined;
    this.#free = this.#length = this.#size = 0;
  }

  /** Puts `place` before the others of its chain. */
  #link(place: number): void {
    const [links, chains] = [this.#links, this.#chains];
    const chain = links[2 * place]! & (chains.length - 1);
    let length = 0;
    for (let at = chains[chain]!; at !== 0; at = links[2 * at - 1]!) length++;
    if (length >= CHAIN_MAX) {
      (this.#beyond ??= new Map()).set(this.#textAt(place), place);
      return;
    }
    links[2 * place + 1] = chains[chain]!;
    chains[chain] = place + 1;
  }

  #unlink(place: number): void {
    const [links, chains] = [this.#links, this.#chains];
    const chain = links[2 * place]! & (chains.length - 1);
    const next = links[2 * place + 1]!;
    if (chains[chain] === place + 1) {
      chains[chain] = next;
      return;
    }
    let before = chains[chain]! - 1;
    while (links[2 * before + 1] !== place + 1) before = links[2 * before + 1]! - 1;
    links[2 * before + 1] = next;
  }

  /** Makes room for twice as many places. All that there was room for are taken. */
  #grow(): void {
    const entered = this.#chains.length;
    const room = Math.max(FIRST_ROOM, 2 * entered);
    const links = new Int32Array(2 * room);
    links.set(this.#links);
    this.#links = links;
    this.#chains = new Int32Array(room);
    this.#beyond = undefined;
    for (let place = 0; place < entered; place++) this.#link(place);
  }
}

/** FNV-1a of the code units, with the upper bits in the lower ones. */
export function hashOfKey(text: string): number {
  return mixed(hashOn(FNV_OFFSET, text));
}

/** As {@link hashOfKey}, of two texts with a slash between them: the same as of all of it as one text. */
export function hashOfPair(one: string, other: string): number {
  return mixed(hashOn(hashOn(hashOn(FNV_OFFSET, one), "/"), other));
}

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

function hashOn(hash: number, text: string): number {
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), FNV_PRIME);
  return hash;
}

function mixed(hash: number): number {
  return hash ^ (hash >>> 15);
}
