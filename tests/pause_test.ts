// Pauses that end by themselves, and by a signal. A listener or timer that is left is found by the sanitizers, or counted.

import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { pause, within } from "../src/pause.ts";

/** A day: the test ends only where the signal ends the pause. */
const LONG = 86_400_000;

Deno.test("a pause ends when its signal aborts, and is none where it has", async () => {
  const stop = new AbortController();
  const paused = pause(LONG, stop.signal);
  stop.abort();
  await paused;
  await pause(LONG, stop.signal);
});

Deno.test("a pause that ended by itself leaves no listener at the signal", async () => {
  const { signal } = new AbortController();
  for (let i = 0; i < 3; i++) await pause(0, signal);
  assert.deepEqual(getEventListeners(signal, "abort"), []);
});

Deno.test("what is awaited comes in time, or is undefined; its error is passed on", async () => {
  const stop = new AbortController();
  assert.equal(await within(Promise.resolve(7), LONG, stop.signal), 7);
  assert.equal(await within(new Promise<number>(() => {}), 0, stop.signal), undefined);
  await assert.rejects(within(Promise.reject(new Error("it failed")), LONG, stop.signal), /it failed/);
  assert.deepEqual(getEventListeners(stop.signal, "abort"), []);
  stop.abort();
  assert.equal(await within(Promise.resolve(7), LONG, stop.signal), undefined);
});

Deno.test("a promise that is awaited again and again gets one reaction", async () => {
  const { signal } = new AbortController();
  const { promise, resolve } = Promise.withResolvers<number>();
  let reactions = 0;
  const counted = Object.assign(promise, {
    then(...callbacks: Parameters<typeof promise.then>) {
      reactions++;
      return Promise.prototype.then.apply(promise, callbacks);
    },
  });
  for (let i = 0; i < 5; i++) assert.equal(await within(counted, 0, signal), undefined);
  assert.equal(reactions, 1);
  const both = Promise.all([within(counted, LONG, signal), within(counted, LONG, signal)]);
  resolve(7);
  assert.deepEqual(await both, [7, 7]);
  assert.equal(await within(counted, LONG, signal), 7, "it is settled");
});

Deno.test("an error that comes after the end of the wait is handled", async () => {
  const unhandled: unknown[] = [];
  const note = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    unhandled.push(event.reason);
  };
  addEventListener("unhandledrejection", note);
  const { signal } = new AbortController();
  const [late, aborted] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  await within(late.promise, 0, signal);
  await within(aborted.promise, LONG, AbortSignal.abort());
  for (const { reject } of [late, aborted]) reject(new Error("too late"));
  await pause(0, signal);
  removeEventListener("unhandledrejection", note);
  assert.deepEqual(unhandled, []);
});
