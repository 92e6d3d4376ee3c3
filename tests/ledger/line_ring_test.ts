// The memory through which lines go to the worker: both sides in one thread, and a worker that sleeps in another one.

import assert from "node:assert/strict";
import fc from "fast-check";
import { LineRing, type Lines } from "../../src/ledger/line_ring.ts";
import { until } from "../support/until.ts";

/** Where the ring has the state of the worker, and its value while it sleeps. */
const [STATE, SLEEPING] = [4, 2];
const stateOf = (ring: LineRing) => new Int32Array(ring.shared, 0, STATE + 1)[STATE];

const linesOf = (first: number, size: number): Lines => ({
  kind: "append",
  first,
  lines: Uint8Array.from({ length: size }, (_, i) => first + i),
  end: { next: first + 1, chain: String(first).padStart(64, "f") },
});

Deno.test("lines come out as they went in, around the end of the memory; what has no room stays outside", () => {
  fc.assert(fc.property(fc.array(fc.oneof(fc.nat(700), fc.constant("take"))), (steps) => {
    const program = new LineRing(1024);
    const worker = new LineRing(undefined, program.shared);
    const inside: Lines[] = [];
    const taken: Lines[] = [];
    steps.forEach((step, first) => {
      if (typeof step === "string") {
        taken.push(...worker.take(worker.end));
        return;
      }
      const room = inside.slice(taken.length).reduce((rest, { lines }) => rest - lines.length - 84, 1024);
      const fits = program.put(linesOf(first, step));
      assert.equal(fits, step + 84 <= room);
      if (fits) inside.push(linesOf(first, step));
    });
    taken.push(...worker.take(worker.end));
    assert.deepEqual(taken, inside);
  }));
});

Deno.test("counts go around 2^32", () => {
  const ring = new LineRing(1024);
  new Int32Array(ring.shared, 0, 2).fill(-100);
  for (let first = 0; first < 20; first++) {
    assert.ok(ring.put(linesOf(first, 30)));
    assert.deepEqual([...ring.take(ring.end)], [linesOf(first, 30)]);
  }
});

Deno.test("a worker that sleeps is woken by lines and by messages; one whose event loop waits needs a message", async () => {
  const ring = new LineRing();
  const worker = new Worker(new URL("../support/ring_sleeper.ts", import.meta.url), { type: "module" });
  let answered = Promise.withResolvers<unknown>();
  worker.onmessage = ({ data }) => answered.resolve(data);
  const answer = async () => {
    const data = await answered.promise;
    answered = Promise.withResolvers();
    return data;
  };
  worker.postMessage(ring.shared);
  for (let first = 0; first < 200; first++) {
    // Some come while it is awake or dozes, some when it sleeps deeply. Those that can wait are taken all the same.
    if (first % 50 === 0) await until("it sleeps", () => stateOf(ring) === SLEEPING);
    assert.ok(ring.put(linesOf(first, 10)));
    assert.equal(ring.wake(first % 3 === 0), false);
    assert.equal(await answer(), first);
  }
  ring.announce();
  assert.equal(await answer(), "ended");
  assert.ok(ring.put(linesOf(200, 10)));
  assert.equal(ring.wake(false), true);
  worker.terminate();
});
