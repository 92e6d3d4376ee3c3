// A sample of the flipped bits and truncations that `deno task flips` tries by the thousand.

import assert from "node:assert/strict";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { flipped, keepsPromise, outcomeOf, stoppedLedger } from "../support/damaged_files.ts";

/** Each file gets about as many flips, and as many cuts. */
const SAMPLE = 12;

const WHOLE = stoppedLedger();

for (const [name, bytes] of WHOLE.files) {
  Deno.test(`a flipped bit of ${name} is found, or changes no answer`, () => {
    for (let bit = 5; bit < 8 * bytes.length; bit += Math.ceil(8 * bytes.length / SAMPLE) | 1) {
      const outcome = outcomeOf(WHOLE, name, flipped(bytes, bit));
      assert.ok(keepsPromise(outcome), `bit ${bit}: ${JSON.stringify(outcome)}`);
    }
  });

  Deno.test(`a cut of ${name} is found, or changes no answer`, () => {
    for (let length = 0; length < bytes.length; length += Math.ceil(bytes.length / SAMPLE) | 1) {
      const outcome = outcomeOf(WHOLE, name, bytes.slice(0, length));
      assert.ok(keepsPromise(outcome), `${length} bytes: ${JSON.stringify(outcome)}`);
    }
    for (let at = bytes.indexOf(0x0a); at >= 0 && !name.endsWith(".zst"); at = bytes.indexOf(0x0a, at + 1)) {
      if (at + 1 === bytes.length) continue;
      const outcome = outcomeOf(WHOLE, name, bytes.slice(0, at + 1));
      assert.ok(keepsPromise(outcome), `${at + 1} bytes, whole lines: ${JSON.stringify(outcome)}`);
    }
  });
}

Deno.test("a compressed segment whose records became one unreadable line is found, and no time falls before it", () => {
  for (const [name, bytes] of WHOLE.files) {
    if (!name.endsWith(".ndjson.zst")) continue;
    const [header] = new TextDecoder().decode(zstdDecompressSync(bytes)).split("\n");
    const garbage = zstdCompressSync(new TextEncoder().encode(`${header}\n${"x".repeat(3000)}\n`));
    const outcome = outcomeOf(WHOLE, name, new Uint8Array(garbage));
    assert.ok(keepsPromise(outcome) && outcome.found, JSON.stringify(outcome));
  }
});
