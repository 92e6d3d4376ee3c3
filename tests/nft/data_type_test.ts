// Concatenations: keys and values of several parts.

import assert from "node:assert/strict";
import { concatenated, destinationOf } from "../../src/nft/data_type.ts";
import { elementKey } from "../../src/nft/ruleset.ts";

Deno.test("the parts of a key are those that it was made of", () => {
  for (const parts of [["10.96.0.1"], ["fd00::1", "tcp", "80", "0"]]) {
    assert.deepEqual(concatenated(elementKey(parts)), parts);
  }
});

Deno.test("where a map of endpoints leads", () => {
  assert.deepEqual(destinationOf("10.244.0.1 . 8080"), { address: "10.244.0.1", port: 8080 });
  assert.deepEqual(destinationOf("fd00::1 . 53"), { address: "fd00::1", port: 53 });
});
