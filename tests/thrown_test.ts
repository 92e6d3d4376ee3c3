// What can be asked of a thrown value.

import assert from "node:assert/strict";
import { codeOf, messageOf } from "../src/thrown.ts";

Deno.test("every thrown value has a message, and a system error has its code", () => {
  assert.equal(messageOf(new TypeError("wrong")), "wrong");
  assert.equal(messageOf("a text"), "a text");
  assert.equal(messageOf(undefined), "undefined");
  assert.equal(codeOf(Object.assign(new Error("full"), { code: "ENOSPC" })), "ENOSPC");
  assert.deepEqual([new Error("full"), "ENOSPC", null].map(codeOf), [undefined, undefined, undefined]);
});
