// How long the fields of a protobuf message are, without reading them. Pure.

import { WireType } from "./protobuf_message.ts";

const WIRE_MASK = 7;
const MORE = 0x80;
const NUMBER_BITS = 7;
/** A varint has 64 bits at most. */
const VARINT_BYTES_MAX = 10;
const FIXED_32_BYTES = 4;
const FIXED_64_BYTES = 8;

/**
 * The end of the last field before `to` that is whole, in a message that begins at 0. Where a field cannot be read at all it
 * is `to`, so that the reader names what is wrong.
 */
export function wholeFields(bytes: Uint8Array, to: number): number {
  let at = 0;
  while (at < to) {
    const end = fieldEnd(bytes, at, to);
    if (end === "bad") return to;
    if (end === undefined || end > to) break;
    at = end;
  }
  return at;
}

/** Where the field at `at` ends; undefined where its length has not arrived. */
function fieldEnd(bytes: Uint8Array, at: number, to: number): number | "bad" | undefined {
  const value = varintEnd(bytes, at, to);
  if (value === undefined) return to - at < VARINT_BYTES_MAX ? undefined : "bad";
  switch (bytes[at]! & WIRE_MASK) {
    case WireType.LengthDelimited: {
      const from = varintEnd(bytes, value, to);
      if (from === undefined) return to - value < VARINT_BYTES_MAX ? undefined : "bad";
      return from + lengthIn(bytes, value);
    }
    case WireType.Varint:
      return varintEnd(bytes, value, to) ?? (to - value < VARINT_BYTES_MAX ? undefined : "bad");
    case WireType.Bit32:
      return value + FIXED_32_BYTES;
    case WireType.Bit64:
      return value + FIXED_64_BYTES;
    default:
      return "bad";
  }
}

/** Where the varint at `at` ends; undefined where it has no end before `to`, or is longer than any. */
export function varintEnd(bytes: Uint8Array, at: number, to: number): number | undefined {
  const last = Math.min(to, at + VARINT_BYTES_MAX);
  for (let i = at; i < last; i++) if (bytes[i]! < MORE) return i + 1;
  return undefined;
}

/** The varint at `at`, which is whole, as a length. */
export function lengthIn(bytes: Uint8Array, at: number): number {
  let length = 0;
  for (let i = 0; i < VARINT_BYTES_MAX; i++) {
    const byte = bytes[at + i]!;
    length += (byte & (MORE - 1)) * 2 ** (NUMBER_BITS * i);
    if (byte < MORE) break;
  }
  return length;
}
