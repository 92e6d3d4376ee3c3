// Work on a disk: the calls in their order, their results, and their errors at the place of the call.

import assert from "node:assert/strict";
import { atOnce, call, type DiskWork } from "../../src/ledger/disk_work.ts";

const made: string[] = [];

function named(name: string, make: () => number): DiskWork<number> {
  return call(() => (made.push(name), make()), () => Promise.reject(new Error("not at once")));
}

Deno.test("calls are made one after the other, and an error arrives where its call is", () => {
  made.length = 0;
  const result = atOnce((function* () {
    const first = yield* named("first", () => 1);
    let caught = "";
    try {
      yield* named("second", () => {
        throw new Error("refused");
      });
    } catch (error) {
      caught = String(error);
    } finally {
      yield* named("third", () => 3);
    }
    return { first, caught };
  })());
  assert.deepEqual(result, { first: 1, caught: "Error: refused" });
  assert.deepEqual(made, ["first", "second", "third"]);
});

Deno.test("an error that the work does not catch is thrown, after its last calls", () => {
  made.length = 0;
  assert.throws(() =>
    atOnce((function* () {
      try {
        yield* named("first", () => {
          throw new Error("refused");
        });
      } finally {
        yield* named("last", () => 0);
      }
    })()), /^Error: refused$/);
  assert.deepEqual(made, ["first", "last"]);
});
