// What can be asked of a value that nothing has checked yet.

import assert from "node:assert/strict";
import { codeOf, hasFields, messageOf } from "../src/foreign_value.ts";

Deno.test("only objects have fields: no array, no null, no text", () => {
  assert.deepEqual([{}, { a: 1 }].map(hasFields), [true, true]);
  assert.deepEqual([[], null, undefined, "text", 1].map(hasFields), [false, false, false, false, false]);
});

Deno.test("whatever was thrown has a message, and a system error has its code", () => {
  assert.equal(messageOf(new TypeError("wrong")), "wrong");
  assert.equal(messageOf("a text"), "a text");
  assert.equal(messageOf(undefined), "undefined");
  assert.equal(codeOf(Object.assign(new Error("full"), { code: "ENOSPC" })), "ENOSPC");
  assert.deepEqual([new Error("full"), "ENOSPC", null].map(codeOf), [undefined, undefined, undefined]);
});
