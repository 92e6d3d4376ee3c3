// Texts are read as a decoder reads them, whatever was read before.

import assert from "node:assert/strict";
import fc from "fast-check";
import { SharedTexts } from "../../src/ingest/shared_texts.ts";

Deno.test("a text is what a decoder makes of its bytes, whichever texts are kept", () => {
  const texts = new SharedTexts();
  const text = fc.oneof(
    fc.string({ unit: "grapheme", maxLength: 80 }),
    fc.constantFrom("TCP", "a", "b", "\ufeff", "ä", "x".repeat(64), "x".repeat(65)),
  );
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  fc.assert(fc.property(fc.array(text, { maxLength: 20 }), (some) => {
    for (const one of [...some, ...some]) {
      const bytes = new TextEncoder().encode(`<${one}>`);
      assert.equal(
        texts.read(bytes, 1, bytes.length - 1),
        decoder.decode(bytes.subarray(1, bytes.length - 1)),
      );
    }
  }));
});
