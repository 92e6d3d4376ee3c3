// The pace of a replay, with a fake clock.

import assert from "node:assert/strict";
import { pace } from "../../src/cli/replay_pace.ts";
import { timeAt } from "../support/past.ts";

/** A clock that stands still except during a sleep. */
function clock() {
  let now = 500;
  const slept: number[] = [];
  return {
    slept,
    now: () => now,
    sleep(milliseconds: number) {
      slept.push(milliseconds);
      now += milliseconds;
      return Promise.resolve();
    },
  };
}

Deno.test("a record waits for its distance from the first; a record that is due does not wait", async () => {
  const test = clock();
  const due = pace(10, test)!;
  for (const second of [10, 11, 5, 41]) await due(timeAt(second));
  assert.deepEqual(test.slept, [100, 3000]);
});

Deno.test("without a speed there is no pace", () => {
  assert.equal(pace(undefined), undefined);
});
