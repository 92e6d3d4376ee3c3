// SHA-256 of texts: a first sync hashes 150,000 of a hundred bytes each. Why not node:crypto for all of them? In Deno 2.9.6 each hash
// is a stream there, with 230 bytes outside of the heap, which takes twice as long here, and five times as long in a process that hashes
// ten texts with each change, and seldom changes. It has the long texts: 287 kB, the rules of a cluster without Services, take it 2 ms at
// a start, and JavaScript that is not compiled yet 15 to 25.

import { createHash } from "node:crypto";
import { _SHA256 } from "@noble/hashes/sha2.js";
import { UTF8_BYTES_MAX } from "./limits/input.ts";

/** What is hashed at once (FIPS 180-4). */
export const BLOCK_BYTES = 64;
/** What padding needs at least: a bit that is set, and the number of bits (5.1.1). */
export const PADDING_BYTES = 9;

/** Code units of texts that are hashed here. Most are an element or a record. */
const SHORT_UNITS = 2700;

/** Hashes whole messages. Why not update and digest of the base class? They take longer than the blocks of a short text. */
class WholeMessage extends _SHA256 {
  readonly #initial = this.get();
  readonly #bytes = new Uint8Array(UTF8_BYTES_MAX * SHORT_UNITS + PADDING_BYTES + BLOCK_BYTES);
  readonly #message = new DataView(this.#bytes.buffer);

  /** Writes the hash of the texts, one behind the other, to `into`. They have SHORT_UNITS at most. */
  hash(texts: readonly string[], into: Uint8Array): void {
    let length = 0;
    for (const text of texts) length = this.#write(text, length);
    const end = (length + PADDING_BYTES + BLOCK_BYTES - 1) & -BLOCK_BYTES;
    this.#bytes.fill(0, length, end);
    this.#bytes[length] = 0x80;
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
    const bytes = this.#bytes;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) return at + encoder.encodeInto(text, bytes.subarray(at)).written;
      bytes[at + i] = code;
    }
    return at + text.length;
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
  let units = 0;
  for (const text of texts) units += text.length;
  if (units <= SHORT_UNITS) return hashing.hash(texts, into);
  const hash = createHash("sha256");
  for (const text of texts) hash.update(text);
  into.set(hash.digest());
}
