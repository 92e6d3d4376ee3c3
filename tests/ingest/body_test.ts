// Bytes are gathered up to a limit, and none is lost.

import assert from "node:assert/strict";
import fc from "fast-check";
import { GatheredBytes } from "../../src/ingest/body.ts";
import { joinedChunks } from "../../src/byte_chunks.ts";

Deno.test("all bytes are kept in order, also where the chunks share one buffer", () => {
  const chunks = fc.array(fc.uint8Array({ maxLength: 3000 }), { maxLength: 8 });
  fc.assert(fc.property(chunks, chunks, (first, second) => {
    const gathered = new GatheredBytes(1_000_000);
    for (const chunks of [first, second]) {
      const buffer = new Uint8Array(3000);
      for (const chunk of chunks) {
        buffer.set(chunk);
        gathered.push(buffer.subarray(0, chunk.length));
      }
      assert.deepEqual(gathered.bytes(), joinedChunks(chunks));
      gathered.clear();
    }
  }));
});

Deno.test("more bytes than the limit are refused", () => {
  const gathered = new GatheredBytes(10);
  gathered.push(new Uint8Array(10));
  assert.throws(() => gathered.push(new Uint8Array(1)), {
    reason: "invalid",
    message: "an answer of more than 10 bytes",
  });
});
