// When rules are put back: five times a minute at once, then when the fifth last time is a minute ago.

import assert from "node:assert/strict";
import fc from "fast-check";
import { healedAt, healingDelay, type Healings } from "../../src/engine/healing.ts";

/** Puts rules back whenever a change comes at one of `times`, as late as it has to be. */
function healAll(times: readonly number[]): Healings[] {
  const states: Healings[] = [[]];
  let free = 0;
  for (const time of times) {
    const from = Math.max(time, free);
    const healings = states.at(-1)!;
    free = from + healingDelay(healings, from);
    states.push(healedAt(healings, free));
  }
  return states;
}

Deno.test("five changes within a minute are put back at once, the sixth a minute after the first", () => {
  let healings: Healings = [];
  for (const time of [0, 1000, 2000, 3000, 4000]) {
    assert.equal(healingDelay(healings, time), 0);
    healings = healedAt(healings, time);
  }
  assert.equal(healingDelay(healings, 5000), 55_000);
  assert.equal(healingDelay(healings, 59_999), 1);
  assert.equal(healingDelay(healings, 60_000), 0, "the first is a minute ago");
});

Deno.test("for any changes, rules are put back at most five times in any minute, and wait for a minute at most", () => {
  const gaps = fc.array(fc.integer({ min: 0, max: 70_000 }), { maxLength: 40 });
  fc.assert(fc.property(gaps, (steps) => {
    let now = 0;
    const times = steps.map((step) => now += step);
    const states = healAll(times);
    for (const healings of states) {
      assert.ok(healings.length <= 5);
      assert.ok(healings.length === 0 || healings.at(-1)! - healings[0]! < 60_000);
      assert.ok(healingDelay(healings, healings.at(-1) ?? 0) <= 60_000);
    }
  }));
});
