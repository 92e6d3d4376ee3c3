// The kernel's jhash (include/linux/jhash.h, Linux 2.6.37 and later: Bob Jenkins' lookup3, public domain), as nf_tables uses it
// (nft_hash.c): so that a trace can say which endpoint a client gets. Why not ask the kernel? A past has none.

import { addressBytes } from "./address_bytes.ts";
import type { AddressHash } from "./statement.ts";

const INITIAL = 0xdeadbeef;
/** Bytes that one round takes. */
const ROUND = 12;

/** 32 bits of a hash of `bytes`. Words are read as a little-endian machine reads them. */
export function jhash(bytes: Uint8Array, seed: number): number {
  let a = (INITIAL + bytes.length + seed) | 0;
  let [b, c] = [a, a];
  const add = (from: number) => {
    a = (a + word(bytes, from)) | 0;
    b = (b + word(bytes, from + 4)) | 0;
    c = (c + word(bytes, from + 8)) | 0;
  };
  let at = 0;
  for (; bytes.length - at > ROUND; at += ROUND) {
    add(at);
    [a, b, c] = mixed(a, b, c);
  }
  if (at === bytes.length) return c >>> 0;
  add(at);
  return last(a, b, c);
}

/** Up to four bytes from `from` on, the first of them the lowest. */
function word(bytes: Uint8Array, from: number): number {
  let sum = 0;
  for (let i = 0; i < 4; i++) sum |= (bytes[from + i] ?? 0) << (8 * i);
  return sum;
}

function rotated(value: number, bits: number): number {
  return value << bits | value >>> (32 - bits);
}

/** How far each of the six steps of a mix rotates. */
const MIX = [4, 6, 8, 16, 19, 4];
/** The same for the seven steps of the end. */
const END = [14, 11, 25, 16, 4, 14, 24];

function mixed(a: number, b: number, c: number): [number, number, number] {
  for (const bits of MIX) {
    a = ((a - c) ^ rotated(c, bits)) | 0;
    c = (c + b) | 0;
    // The next step does to b what this one did to a.
    [a, b, c] = [b, c, a];
  }
  return [a, b, c];
}

function last(a: number, b: number, c: number): number {
  for (const bits of END) {
    c = ((c ^ b) - rotated(b, bits)) | 0;
    [a, b, c] = [b, c, a];
  }
  // After seven turns of three, what was c last is b.
  return b >>> 0;
}

/** What `hash` is for packets from `source`, which is of its family: `offset` up to `offset + modulus - 1`. */
export function addressHash({ modulus, seed, offset }: AddressHash, source: string): number {
  // reciprocal_scale (include/linux/kernel.h): the upper 32 bits of a product, which has 48 bits at most, so it is exact here.
  return Math.floor(jhash(addressBytes(source), seed) * modulus / 2 ** 32) + offset;
}
