// Chunks of bytes as one.

import assert from "node:assert/strict";
import { byteLength, joinedChunks } from "../src/byte_chunks.ts";

Deno.test("chunks are joined in order, and a single one is not copied", () => {
  const [a, b] = [Uint8Array.of(1, 2), Uint8Array.of(3)];
  assert.deepEqual(joinedChunks([a, b, a]), Uint8Array.of(1, 2, 3, 1, 2));
  assert.equal(byteLength([a, b, a]), 5);
  assert.equal(joinedChunks([a]), a);
  assert.deepEqual(joinedChunks([]), new Uint8Array());
});
