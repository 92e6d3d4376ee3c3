// SHA-256 of short texts: a first sync hashes 150,000 of a hundred bytes each. Why not node:crypto? In Deno 2.9.6 each hash is a
// stream there, with 230 bytes outside of the heap, which takes twice as long here, and five times as long in a process that hashes
// ten texts with each change, and seldom changes. For longer texts node:crypto is faster.

import { _SHA256 } from "@noble/hashes/sha2.js";

/** What is hashed at once (FIPS 180-4). */
export const BLOCK_BYTES = 64;
/** What padding needs at least: a bit that is set, and the number of bits (5.1.1). */
export const PADDING_BYTES = 9;

/** Hashes whole messages. Why not update and digest of the base class? They take longer than the blocks of a short text. */
class WholeMessage extends _SHA256 {
  readonly #initial = this.get();
  /** Most texts are an element or a record. */
  #bytes = new Uint8Array(8192);
  #message = new DataView(this.#bytes.buffer);

  /** Writes the hash of the texts, one behind the other, to `into`. */
  hash(texts: readonly string[], into: Uint8Array): void {
    let length = 0;
    for (const text of texts) length = this.#write(text, length);
    this.#reserve(length + PADDING_BYTES + BLOCK_BYTES);
    const end = (length + PADDING_BYTES + BLOCK_BYTES - 1) & -BLOCK_BYTES;
    this.#bytes.fill(0, length, end);
    this.#bytes[length] = 0x80;
    this.#message.setUint32(end - 8, Math.floor(length / 2 ** 29));
    this.#message.setUint32(end - 4, length << 3);
    this.set(...this.#initial);
    for (let at = 0; at < end; at += BLOCK_BYTES) this.process(this.#message, at);
    writeWord(into, 0, this.A);
    writeWord(into, 4, this.B);
    writeWord(into, 8, this.C);
    writeWord(into, 12, this.D);
    writeWord(into, 16, this.E);
    writeWord(into, 20, this.F);
    writeWord(into, 24, this.G);
    writeWord(into, 28, this.H);
  }

  /** Writes `text` to the message in UTF-8, from `at` on; returns where it ends. The encoder costs more than a short text. */
  #write(text: string, at: number): number {
    // A code unit has at most three bytes.
    this.#reserve(at + 3 * text.length);
    const bytes = this.#bytes;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) return at + encoder.encodeInto(text, bytes.subarray(at)).written;
      bytes[at + i] = code;
    }
    return at + text.length;
  }

  /** Makes room for so many bytes from the start of the message. */
  #reserve(bytes: number): void {
    const before = this.#bytes;
    if (bytes <= before.length) return;
    this.#bytes = new Uint8Array(2 * bytes);
    this.#bytes.set(before);
    this.#message = new DataView(this.#bytes.buffer);
  }
}

const encoder = new TextEncoder();
const hashing = new WholeMessage();

function writeWord(into: Uint8Array, at: number, word: number): void {
  into[at] = word >>> 24;
  into[at + 1] = word >>> 16;
  into[at + 2] = word >>> 8;
  into[at + 3] = word;
}

/** Writes the SHA-256 of `texts`, one behind the other in UTF-8, to `into`, which has 32 bytes. Joining them first takes longer. */
export function hashInto(texts: readonly string[], into: Uint8Array): void {
  hashing.hash(texts, into);
}
