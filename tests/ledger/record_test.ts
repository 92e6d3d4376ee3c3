// Offsets of records.

import assert from "node:assert/strict";
import { InvariantError } from "../../src/invariant.ts";
import { isOffset, offsetOf } from "../../src/ledger/record.ts";

Deno.test("an offset is a whole number that is not negative", () => {
  assert.equal(offsetOf(0), 0);
  assert.equal(offsetOf(Number.MAX_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);
  for (const place of [-1, 0.5, NaN, Infinity, 2 ** 53]) {
    assert.throws(() => offsetOf(place), InvariantError);
    assert.equal(isOffset(place), false);
  }
  assert.deepEqual(["0", null, undefined].map(isOffset), [false, false, false]);
});
