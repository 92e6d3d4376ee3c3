// Errors of the operating system by number.

import assert from "node:assert/strict";
import { errnoCode, errnoMeaning, SystemError } from "../../src/kernel/system_error.ts";

Deno.test("an error has operation, meaning and name of its number; an unknown number is named too", () => {
  const error = new SystemError("listing", 2);
  assert.equal(error.message, "listing: it, or something it refers to, does not exist (ENOENT)");
  assert.deepEqual([error.operation, error.errno], ["listing", 2]);
  assert.equal(errnoCode(123), "errno 123");
  assert.equal(errnoMeaning(123), "an error that this program does not know");
});
