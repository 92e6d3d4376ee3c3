// Reads a body in pieces.

import assert from "node:assert/strict";
import { type Framing, PagePart } from "../../src/ingest/body.ts";
import type { Json } from "../../src/ingest/protobuf_encoder.ts";

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

/** A page and the parts before it as one page. */
export function joinedPages(values: readonly unknown[]): unknown[] {
  const whole = values.filter((value) => !(value instanceof PagePart));
  const parts = values.flatMap((value) => value instanceof PagePart ? [value.read() as Json] : []);
  if (parts.length === 0) return whole;
  assert.equal(whole.length, 1);
  const items = [...parts, whole[0] as Json].flatMap((page) => page["items"] as unknown[]);
  return [{ ...whole[0] as Json, items }];
}
