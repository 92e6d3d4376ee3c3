// The sum of the SHA-256 of many short texts, in eight lanes modulo 2^32. Why WebAssembly? A first sync hashes 150,000 texts of a hundred
// bytes each, which took more than half of its plan. A sum does not depend on order, so texts wait until there are four of one length in
// blocks, and the processor hashes these at once: its vectors have room for four words.

import { assert } from "../invariant.ts";
import { BLOCK_BYTES, hashInto, PADDING_BYTES } from "../sha256.ts";
import { SHA256_LANES } from "./sha256_lanes.generated.ts";

/** Words of a hash, and bytes of a word. */
const WORDS = 8;
const WORD_BYTES = 4;
/** Texts that are hashed at once. */
const TOGETHER = 4;
/** The longest texts that are hashed together, in blocks. Few elements have more than three. */
const BLOCKS_MAX = 6;

/** A sum that texts are added to. There is one at a time: a new one takes the place of the one before. */
export class HashSum {
  readonly #lanes = lanes ??= new Lanes();

  constructor() {
    this.#lanes.clear();
  }

  /** Adds the hash of `texts`, one behind the other in UTF-8, or subtracts it. */
  add(texts: readonly string[], sign: 1 | -1): void {
    if (!this.#lanes.add(texts, sign)) this.#lanes.addAlone(texts, sign);
  }

  /** Adds the sum to `digest`. It has to be the last call. */
  addTo(digest: Uint32Array): void {
    const { sums } = this.#lanes.finish();
    for (let i = 0; i < sums.length; i++) digest[Math.floor(i / TOGETHER)]! += sums[i]!;
  }
}

const hashed = new Uint8Array(WORD_BYTES * WORDS);
const hashedView = new DataView(hashed.buffer);

/** The module, and the texts that wait in its memory. */
class Lanes {
  /** For each word of a hash, the sums of four groups of texts. */
  readonly sums: Uint32Array;
  readonly #bytes: Uint8Array;
  readonly #words: DataView;
  /** undefined where the processor lacks what V8 needs for such vectors (SSE 4.1): then each text is hashed alone. */
  readonly #hash: ((begin: number, blocks: number, factors: number) => void) | undefined;
  /** How many texts wait, by their blocks. */
  readonly #waiting = new Uint8Array(BLOCKS_MAX + 1);

  constructor() {
    const code = Uint8Array.fromBase64(SHA256_LANES.module);
    let memory: ArrayBufferLike = new ArrayBuffer(SHA256_LANES.messages);
    if (WebAssembly.validate(code)) {
      const { exports } = new WebAssembly.Instance(new WebAssembly.Module(code));
      const { memory: own, add } = exports;
      assert(own instanceof WebAssembly.Memory && typeof add === "function", "the module exports both");
      this.#hash = (begin, blocks, factors) => add(begin, blocks, factors);
      memory = own.buffer;
    }
    this.#bytes = new Uint8Array(memory);
    this.#words = new DataView(memory);
    this.sums = new Uint32Array(memory, SHA256_LANES.sums, WORDS * TOGETHER);
  }

  /** Forgets all texts. */
  clear(): void {
    this.#waiting.fill(0);
    this.sums.fill(0);
  }

  /** Adds a text as {@link HashSum.add}; false for one that is to be hashed alone: it is long, or not ASCII. */
  add(texts: readonly string[], sign: 1 | -1): boolean {
    if (this.#hash === undefined) return false;
    let length = 0;
    for (const text of texts) length += text.length;
    const blocks = Math.ceil((length + PADDING_BYTES) / BLOCK_BYTES);
    if (blocks > BLOCKS_MAX) return false;
    const place = this.#waiting[blocks]!;
    const end = BEGIN[blocks]! + (place + 1) * blocks * BLOCK_BYTES;
    if (!this.#write(texts, end - blocks * BLOCK_BYTES, end)) return false;
    this.#words.setUint32(end - WORD_BYTES, 8 * length);
    this.#words.setInt32(factorsOf(blocks) + WORD_BYTES * place, sign, true);
    this.#waiting[blocks] = place + 1;
    if (place + 1 === TOGETHER) this.#finish(blocks);
    return true;
  }

  /** As {@link add}, whatever the text. */
  addAlone(texts: readonly string[], sign: 1 | -1): void {
    hashInto(texts, hashed);
    for (let word = 0; word < WORDS; word++) {
      this.sums[TOGETHER * word]! += sign * hashedView.getUint32(WORD_BYTES * word, true);
    }
  }

  /** Hashes all texts that wait. */
  finish(): this {
    for (let blocks = 1; blocks <= BLOCKS_MAX; blocks++) if (this.#waiting[blocks]! > 0) this.#finish(blocks);
    return this;
  }

  /** Writes texts from `begin` on, the bit that ends a message, and zeros to `end`; false for texts that are not ASCII. */
  #write(texts: readonly string[], begin: number, end: number): boolean {
    const bytes = this.#bytes;
    let at = begin;
    for (const text of texts) {
      for (let i = 0; i < text.length; i++) {
        const code = text.charCodeAt(i);
        if (code > 0x7f) return false;
        bytes[at++] = code;
      }
    }
    bytes[at++] = 0x80;
    while (at < end) bytes[at++] = 0;
    return true;
  }

  #finish(blocks: number): void {
    const factors = factorsOf(blocks);
    for (let place = this.#waiting[blocks]!; place < TOGETHER; place++) {
      this.#words.setInt32(factors + WORD_BYTES * place, 0, true);
    }
    this.#hash!(BEGIN[blocks]!, blocks, factors);
    this.#waiting[blocks] = 0;
  }
}

let lanes: Lanes | undefined;

/** Where texts of so many blocks wait. */
const BEGIN = Array.from(
  { length: BLOCKS_MAX + 1 },
  (_, blocks) => SHA256_LANES.messages + TOGETHER * BLOCK_BYTES * (blocks * (blocks - 1) / 2),
);

/** Where it says with which sign texts of so many blocks are added. */
function factorsOf(blocks: number): number {
  return SHA256_LANES.factors + TOGETHER * WORD_BYTES * blocks;
}
