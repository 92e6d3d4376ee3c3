// Parts of JSON are counted in a text, up to the bounds.

import assert from "node:assert/strict";
import { partsExcess } from "../src/json_parts.ts";

Deno.test("a text with as many parts as the bound is read, and one with one more is refused", () => {
  assert.equal(partsExcess(`[${"{},".repeat(3)}0]`, 7), undefined);
  assert.equal(partsExcess(`[${"{},".repeat(3)}{}]`, 7), "more than 7 brackets and commas of JSON");
  assert.equal(partsExcess(`{"a":"${"x".repeat(100)}"}`, 7), undefined);
});
