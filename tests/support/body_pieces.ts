// Reads a body in pieces.

import type { Framing } from "../../src/ingest/body.ts";

/** The values of `bytes`, cut at `cuts`. All chunks come in one buffer, as from a real connection. */
export function readInPieces(framing: Framing, bytes: Uint8Array, cuts: readonly number[]): unknown[] {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  const buffer = new Uint8Array(bytes.length);
  const values: unknown[] = [];
  let from = 0;
  for (const to of [...places, bytes.length]) {
    buffer.set(bytes.subarray(from, to));
    values.push(...framing.push(buffer.subarray(0, to - from)));
    from = to;
  }
  return [...values, ...framing.end()];
}
