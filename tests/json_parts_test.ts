// Parts of JSON are counted, in a text and in chunks of bytes, up to the bounds.

import assert from "node:assert/strict";
import { JsonParts, partsExcess } from "../src/json_parts.ts";
import { JSON_LIST_PARTS_MAX } from "../src/limits.ts";

Deno.test("a text with as many parts as the bound is read, and one with one more is refused", () => {
  assert.equal(partsExcess(`[${"{},".repeat(3)}0]`, 7), undefined);
  assert.equal(partsExcess(`[${"{},".repeat(3)}{}]`, 7), "more than 7 brackets and commas of JSON");
  assert.equal(partsExcess(`{"a":"${"x".repeat(100)}"}`, 7), undefined);
});

Deno.test("the parts of all chunks count together", () => {
  const parts = new JsonParts();
  const chunk = new Uint8Array(1 << 20).fill(0x2c);
  let count = 0;
  while (parts.push(chunk) === undefined) count += chunk.length;
  assert.ok(count <= JSON_LIST_PARTS_MAX && count + chunk.length > JSON_LIST_PARTS_MAX, String(count));
});
