// Concatenations, which are keys and values of several parts, and prefixes.

import assert from "node:assert/strict";
import { concatenationParts, destinationOf, lastPart, prefixParts } from "../../src/nft/data_type.ts";
import { elementKey } from "../../src/nft/ruleset.ts";

Deno.test("concatenationParts takes a key apart into the parts that elementKey joined", () => {
  for (const parts of [["10.96.0.1"], ["fd00::1", "tcp", "80", "0"]]) {
    assert.deepEqual(concatenationParts(elementKey(parts)), parts);
  }
});

Deno.test("destinationOf reads address and port of an endpoint", () => {
  assert.deepEqual(destinationOf("10.244.0.1 . 8080"), { address: "10.244.0.1", port: 8080 });
  assert.deepEqual(destinationOf("fd00::1 . 53"), { address: "fd00::1", port: 53 });
});

Deno.test("prefixParts takes a prefix apart; a single value has no length", () => {
  assert.deepEqual(prefixParts("10.0.0.0/8"), ["10.0.0.0", "8"]);
  assert.deepEqual(prefixParts("fd00::/64"), ["fd00::", "64"]);
  assert.deepEqual(prefixParts("tcp"), ["tcp", undefined]);
});

Deno.test("the last part of a concatenation is a port, also where there is no address", () => {
  assert.deepEqual(["10.244.0.1 . 8080", "fd00::1 . 53", "30080"].map(lastPart), ["8080", "53", "30080"]);
});
