// Assertions throw errors of their own kind.

import assert from "node:assert/strict";
import { assert as holds, InvariantError, unreachable } from "../src/invariant.ts";

Deno.test("assert throws an InvariantError with the message, and makes the message only then", () => {
  holds(true, () => assert.fail("the message of an invariant that holds"));
  assert.throws(() => holds(false, "a message"), new InvariantError("a message"));
  assert.throws(() => holds(undefined, () => "a made message"), new InvariantError("a made message"));
});

Deno.test("unreachable names the value that no case handled", () => {
  assert.throws(() => unreachable({ kind: "new" } as never), /unreachable: \{"kind":"new"\}/);
});
