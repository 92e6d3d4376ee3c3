// A process that throws where nothing catches it: in timers, promises and listeners. It prints a line for each fault that the last
// resort makes of that, and ends by itself.

import { LastResort, type OnFault } from "../../src/node/last_resort.ts";
import { assert } from "../../src/invariant.ts";

let expected = 6;
const listen = (onFault: OnFault) => new LastResort(onFault);
const lastResort = listen(({ kind, text, breaksEngine }, noted) => {
  console.log(JSON.stringify({ kind, text, breaksEngine, noted }));
  if (--expected === 0) setTimeout(flood);
});

setTimeout(() => {
  throw new TypeError("in a timer");
});
queueMicrotask(() => {
  throw new Error("in a microtask");
});
void Promise.reject(new Error("without a handler, token=aBcD1234"));
void Promise.resolve().then(() => assert(false, "positions out of order"));
const target = new EventTarget();
target.addEventListener("event", () => {
  throw new Error("in a listener");
});
target.dispatchEvent(new Event("event"));
void Promise.reject("a string");

/** Throws an exception with every event: all are counted, few are noted. The process ends after the last one. */
function flood(): void {
  let [count, noted] = [0, 0];
  lastResort[Symbol.dispose]();
  listen((_, isNoted) => {
    count++;
    if (isNoted) noted++;
    if (count === 1000) console.log(JSON.stringify({ count, noted }));
  });
  for (let i = 0; i < 1000; i++) setTimeout(() => assert(false, "again"));
}
