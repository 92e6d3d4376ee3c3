// The timer of the loop fires at the deadline as it was set last, and never after its end.

import assert from "node:assert/strict";
import { DueTimer } from "../../src/engine/due_timer.ts";
import { secondAfter } from "../../src/second.ts";
import { until } from "../support/until.ts";

/** A timer for a deadline that the test changes, and how often it was due. */
class Timed {
  deadline = Infinity;
  waits: Promise<void> | undefined;
  due = 0;
  readonly timer = new DueTimer(() => this.deadline, () => this.waits, () => {
    this.due++;
    assert.ok(performance.now() >= this.deadline, "it is due");
    this.deadline = Infinity;
    this.timer.set();
  });

  set(deadline: number): void {
    this.deadline = deadline;
    this.timer.set();
  }
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

Deno.test("it fires at a deadline within the second, at a whole second, and at one that comes later", async () => {
  const timed = new Timed();
  using _ = timed.timer;
  for (const [i, later] of [30, secondAfter(performance.now()) - performance.now(), 1700].entries()) {
    timed.set(performance.now() + later);
    await until(`deadline ${i} is due`, () => timed.due === i + 1);
  }
});

Deno.test("it does not fire at a deadline that was changed, nor where it was set while what it waits for was not ready", async () => {
  const timed = new Timed();
  using _ = timed.timer;
  timed.set(performance.now() + 20);
  timed.set(Infinity);
  await pause(50);
  assert.equal(timed.due, 0);
  const ready = Promise.withResolvers<void>();
  timed.waits = ready.promise;
  timed.set(performance.now());
  await pause(20);
  timed.set(Infinity);
  ready.resolve();
  await pause(0);
  assert.equal(timed.due, 0);
});

Deno.test("after its end it fires no more, also where it is set again or waits", async () => {
  const timed = new Timed();
  const ready = Promise.withResolvers<void>();
  timed.waits = ready.promise;
  timed.set(performance.now());
  await pause(20);
  timed.timer[Symbol.dispose]();
  ready.resolve();
  timed.timer.set();
  await pause(20);
  assert.equal(timed.due, 0);
});
