// Compression in steps, and decompression with a limit.

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import {
  compressInSteps,
  inPieces,
  readDecompressed,
  readDecompressedHead,
} from "../../src/ledger/compression.ts";
import { joinedChunks } from "../../src/byte_chunks.ts";
import { zstdBomb } from "../support/zstd_bomb.ts";
import { memoryStorage } from "../support/memory_storage.ts";

const BYTES = new Uint8Array(1_000_000).map((_, i) => (i * i) % 251);

const equals = (a: Uint8Array | string, b: Uint8Array) => typeof a !== "string" && Buffer.compare(a, b) === 0;

Deno.test("what was compressed in steps is decompressed to the same bytes", async () => {
  const storage = memoryStorage();
  storage.write("a", await compressInSteps(inPieces(BYTES)));
  assert.ok(equals(readDecompressed(storage, "a", BYTES.length), BYTES));
});

Deno.test("a file beyond the limit, and one that is not zstd, give a reason", async () => {
  const storage = memoryStorage();
  storage.write("a", await compressInSteps(inPieces(BYTES)));
  storage.write("b", Uint8Array.of(1, 2, 3));
  assert.equal(readDecompressed(storage, "a", 500_000), "more than 500000 bytes when decompressed");
  assert.equal(typeof readDecompressed(storage, "b", 500_000), "string");
  assert.match(String(readDecompressed(storage, "b", 2)), /^a file of 3 bytes, at most 2$/);
});

Deno.test("the head of a file gives the beginning of its content", async () => {
  const storage = memoryStorage();
  storage.write("a", await compressInSteps(inPieces(BYTES)));
  const head = readDecompressedHead(storage, "a", Math.floor(storage.size("a") * 0.9));
  assert.ok(typeof head !== "string" && head.length > 0 && head.length < BYTES.length);
  assert.ok(equals(head, BYTES.subarray(0, head.length)));
});

Deno.test("a head without the end of a line is refused before much of it is decompressed", () => {
  const storage = memoryStorage();
  for (const bytes of [zstdBomb(1e9), joinedChunks(Array.from({ length: 1000 }, () => zstdBomb(1e6)))]) {
    storage.write("a", bytes);
    assert.match(
      String(readDecompressedHead(storage, "a", 160 * 1024)),
      /^more than \d+ bytes when decompressed$/,
    );
  }
});
