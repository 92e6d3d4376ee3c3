// A strand of work on a disk whose calls are done when the test says so.

import assert from "node:assert/strict";
import { call, type DiskWork, type Waitable } from "../../src/ledger/disk_work.ts";
import { DiskStrand } from "../../src/node/disk_strand.ts";
import { until } from "../support/until.ts";

/** A call for which the strand can wait; it is done after so many waits. */
class Counted implements Waitable<string> {
  constructor(public waits: number, readonly answer: () => string = () => "done") {}

  get done(): boolean {
    return this.waits <= 0;
  }

  wait(): void {
    this.waits--;
  }

  result(): string {
    return this.answer();
  }
}

const unused = (): never => {
  throw new Error("the strand makes no call at once");
};

function strand() {
  const events: string[] = [];
  const strand = new DiskStrand((error) => events.push(String(error)));
  const work = function* (name: string, later: () => Promise<string> | Waitable<string>): DiskWork<void> {
    events.push(`${name} begins`);
    events.push(`${name} ${yield* call<string>(unused, later)}`);
  };
  return { events, strand, work };
}

Deno.test("pieces of work follow each other, and one that waits does not block", async () => {
  const { events, strand: s, work } = strand();
  const answer = Promise.withResolvers<string>();
  s.push(work("first", () => answer.promise));
  s.push(work("second", () => new Counted(0)));
  assert.deepEqual(events, ["first begins"]);
  assert.equal(s.wait(() => false, 1000), false, "nothing that can be waited for");
  const back = s.away;
  assert.equal(s.away, back, "all wait for one promise");
  answer.resolve("answered");
  await back;
  assert.deepEqual(events, ["first begins", "first answered", "second begins", "second done"]);
  assert.equal(s.away, undefined);
});

Deno.test("a wait ends where it is asked to, or with its time", () => {
  const { events, strand: s, work } = strand();
  s.push(work("first", () => new Counted(2)));
  s.push(work("second", () => new Counted(1)));
  s.push(work("third", () => new Counted(Infinity)));
  assert.equal(s.wait(() => events.includes("second done"), 1000), true);
  assert.deepEqual(events.at(-1), "third begins");
  assert.equal(s.wait(() => events.includes("third done"), 5), false);
  clearTimers(s);
});

Deno.test("a call that is done without a wait is noticed, and idle() resolves", async () => {
  const { events, strand: s, work } = strand();
  const counted = new Counted(1);
  s.push(work("first", () => counted));
  assert.deepEqual(events, ["first begins"]);
  const idle = s.idle();
  counted.wait();
  await until("it is noticed", () => events.length === 2);
  await idle;
});

Deno.test("errors of calls go to their work; what it does not catch is a fault, and the next work is done", async () => {
  const { events, strand: s, work } = strand();
  const refused = () => {
    throw new Error("refused");
  };
  s.push((function* () {
    try {
      yield* work("first", () => Promise.reject(new Error("rejected")));
    } catch (error) {
      events.push(`caught ${error}`);
    }
  })());
  s.push(work("second", () => new Counted(0, refused)));
  s.push(work("third", refused));
  s.push(work("fourth", () => new Counted(0)));
  await s.idle();
  assert.deepEqual(events, [
    "first begins",
    "caught Error: rejected",
    "second begins",
    "Error: refused",
    "third begins",
    "Error: refused",
    "fourth begins",
    "fourth done",
  ]);
});

Deno.test("work may push work: it is done after the present one", async () => {
  const { events, strand: s, work } = strand();
  s.push((function* () {
    s.push(work("inner", () => new Counted(0)));
    yield* work("outer", () => Promise.resolve("done"));
  })());
  await s.idle();
  assert.deepEqual(events, ["outer begins", "outer done", "inner begins", "inner done"]);
});

/** A call that never ends is looked at again and again; the test ends before it. */
function clearTimers(s: DiskStrand): void {
  s[Symbol.dispose]();
}
