// Addresses in canonical text as the bytes that packets and the kernel have.

import { type Address, canonicalAddress } from "./data_type.ts";

/** The 32-bit number of the dotted quad in `text` from `at` to `end`. */
export function ipv4Number(text: string, at = 0, end = text.length): number {
  let number = 0;
  let octet = 0;
  for (let i = at; i < end; i++) {
    const code = text.charCodeAt(i);
    if (code === 46) {
      number = number * 256 + octet;
      octet = 0;
    } else octet = octet * 10 + code - 48;
  }
  return number * 256 + octet;
}

/** The 16 bytes of an IPv6 address in canonical text (RFC 5952, no embedded dotted quad). */
export function ipv6Bytes(text: string): Uint8Array {
  const bytes = new Uint8Array(16);
  const [head = "", tail] = text.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  left.forEach((group, i) => setGroup(bytes, i, group));
  right.forEach((group, i) => setGroup(bytes, 8 - right.length + i, group));
  return bytes;
}

/** Writes one of the eight groups of an IPv6 address. */
function setGroup(bytes: Uint8Array, index: number, hex: string): void {
  const number = parseInt(hex, 16);
  bytes[index * 2] = number >> 8;
  bytes[index * 2 + 1] = number & 0xff;
}

/** The 4 or 16 bytes of an address in canonical text, in network order. */
export function addressBytes(address: string): Uint8Array {
  if (address.includes(":")) return ipv6Bytes(address);
  const number = ipv4Number(address);
  return Uint8Array.of(number >>> 24, (number >> 16) & 0xff, (number >> 8) & 0xff, number & 0xff);
}

/** RFC 5952 text of 16 bytes: lower case, the first longest run of two or more zero groups shortened. */
export function ipv6Text(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => (bytes[i * 2]! << 8) | bytes[i * 2 + 1]!);
  let best = 0;
  let bestLength = 0;
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (end < 8 && groups[end] === 0) end++;
    if (end - i > bestLength) [best, bestLength] = [i, end - i];
  }
  const hex = (part: number[]) => part.map((group) => group.toString(16)).join(":");
  if (bestLength < 2) return hex(groups);
  return `${hex(groups.slice(0, best))}::${hex(groups.slice(best + bestLength))}`;
}

/** The text of an address of 4 or 16 bytes: the inverse of {@link addressBytes}. */
export function addressOfBytes(bytes: Uint8Array): Address {
  return canonicalAddress(bytes.length === 4 ? bytes.join(".") : ipv6Text(bytes));
}

/** A mask of `bits` leading ones in `length` bytes. */
export function prefixMask(length: number, bits: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (0xff00 >> Math.min(8, Math.max(0, bits - i * 8))) & 0xff);
}

/** `address` with all bits but the first `length` cleared. */
export function maskedAddress(address: Address, length: number): Address {
  const bytes = addressBytes(address);
  const mask = prefixMask(bytes.length, length);
  return addressOfBytes(bytes.map((byte, i) => byte & mask[i]!));
}
