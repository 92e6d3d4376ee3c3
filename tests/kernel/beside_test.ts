// What another thread does, as a loop of pieces sees it.

import assert from "node:assert/strict";
import { settled } from "../../src/kernel/beside.ts";

Deno.test("nothing comes until a promise is settled, then its value or its failure", async () => {
  for (
    const [promise, end] of [[Promise.resolve(7), "7"], [
      Promise.reject(new Error("no")),
      "Error: no",
    ]] as const
  ) {
    const pieces = settled<number>(promise);
    assert.deepEqual([pieces.next(), pieces.next()], [{ done: false, value: undefined }, {
      done: false,
      value: undefined,
    }]);
    await promise.catch(() => {});
    await Promise.resolve();
    let found: string;
    try {
      found = String(pieces.next().value);
    } catch (error) {
      found = String(error);
    }
    assert.equal(found, end);
  }
});
