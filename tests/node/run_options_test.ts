// How much of the past the flags of `run` keep.

import assert from "node:assert/strict";
import { retention } from "../../src/node/run_options.ts";

Deno.test("the past is kept for 30 days and up to 1 GiB, or as the flags say", () => {
  const day = 86_400_000;
  assert.deepEqual(retention({}), { bytes: 2 ** 30, milliseconds: 30 * day });
  assert.deepEqual(retention({ retainDays: 0.5, retainMegabytes: 2 }), {
    bytes: 2_097_152,
    milliseconds: day / 2,
  });
});
