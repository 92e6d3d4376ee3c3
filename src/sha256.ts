// SHA-256 of short texts, where there is one now and then. Why not node:crypto? In Deno 2.9.6 each hash is a stream there, with 230
// bytes outside of the heap. In a process that hashes ten texts with each change, and seldom changes, that takes five times as long.
// In a loop node:crypto is as fast for an element of a set, and faster for longer texts.

import { sha256 } from "@noble/hashes/sha2.js";

// All hashes use one state and one buffer.
const blank = sha256.create();
const hashing = sha256.create();
const encoder = new TextEncoder();
/** Most texts are an element or a record. */
const buffer = new Uint8Array(8192);

/** Writes the SHA-256 of `text` in UTF-8 to `into`, which has 32 bytes. */
export function hashInto(text: string, into: Uint8Array): void {
  blank._cloneInto(hashing).update(utf8(text)).digestInto(into);
}

/** `text` in UTF-8. The next call overwrites it. */
function utf8(text: string): Uint8Array {
  // A code unit has at most three bytes.
  if (3 * text.length > buffer.length) return encoder.encode(text);
  return buffer.subarray(0, encoder.encodeInto(text, buffer).written);
}
