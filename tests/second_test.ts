// What is done every second is done together.

import assert from "node:assert/strict";
import { everySecond, secondAfter } from "../src/second.ts";

Deno.test("the next whole second is at least half a second away", () => {
  assert.deepEqual([0, 499, 500, 999.9, 1000, 1000.4].map(secondAfter), [1000, 1000, 2000, 2000, 2000, 2000]);
});

Deno.test("works share a turn of the event loop, also where one of them fails, until each is disposed of", async () => {
  const done: string[] = [];
  const errors: string[] = [];
  let turn = 0;
  const noted = (event: ErrorEvent) => {
    event.preventDefault();
    errors.push(event.message);
  };
  globalThis.addEventListener("error", noted);
  const note = (name: string) => () => {
    done.push(`${name}${turn}`);
    queueMicrotask(() => turn++);
  };
  const second = Promise.withResolvers<void>();
  const first = everySecond(note("a"));
  using _failing = everySecond(() => {
    throw new Error("for a test");
  });
  using all = everySecond(note("b"));
  using _last = everySecond((lateness) => {
    assert.ok(lateness >= 0);
    if (done.length >= 3) return second.resolve();
    first[Symbol.dispose]();
  });
  assert.equal(all.next % 1000, 0);
  await second.promise;
  globalThis.removeEventListener("error", noted);
  assert.deepEqual(done, ["a0", "b0", "b2"]);
  assert.equal(errors.length, 2);
});
