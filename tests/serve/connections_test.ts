// Which connection is closed when all places are taken.

import assert from "node:assert/strict";
import { Connections, placesWithin } from "../../src/serve/connections.ts";

/** Opens a connection from each of `addresses` in order, and returns those that were closed. */
function closedOf(max: number, addresses: readonly string[]): string[] {
  const connections = new Connections(max);
  const closed: string[] = [];
  const open = addresses.map((address, i) =>
    connections.add(address, () => {
      closed.push(`${address} #${i}`);
    })
  );
  assert.ok(connections.count <= max);
  for (const connection of open) connection[Symbol.dispose]();
  assert.equal(connections.count, 0);
  return closed;
}

Deno.test("the oldest connection of the client that has the most is closed", () => {
  assert.deepEqual(closedOf(3, ["a", "b", "b", "c"]), ["b #1"]);
  assert.deepEqual(closedOf(3, ["a", "b", "c", "d"]), ["a #0"], "where each client has one, the oldest");
  assert.deepEqual(closedOf(2, ["a", "b", "b", "b", "b"]), ["a #0", "b #1", "b #2"]);
});

Deno.test("the addresses of a /64 are one client, and so are an IPv4 address and its mapped form", () => {
  assert.deepEqual(closedOf(3, ["fd00::1", "2001:db8:0:1::1", "2001:db8:0:1:ffff::2", "fd00:0:0:1::1"]), [
    "2001:db8:0:1::1 #1",
  ]);
  assert.deepEqual(closedOf(3, ["192.0.2.2", "::ffff:192.0.2.1", "192.0.2.1", "192.0.2.3"]), [
    "::ffff:192.0.2.1 #1",
  ]);
});

Deno.test("a process with few descriptors holds fewer connections, and always some", () => {
  assert.deepEqual(placesWithin(1024), { health: 32, healthCheck: 32, metrics: 8 });
  assert.deepEqual(placesWithin(Infinity), placesWithin(128));
  for (let descriptors = 0; descriptors < 128; descriptors++) {
    const { health, healthCheck, metrics } = placesWithin(descriptors);
    assert.ok(Math.min(health, healthCheck, metrics) >= 1);
    assert.ok(health + healthCheck + metrics <= Math.max(3, descriptors - 56), `${descriptors} descriptors`);
  }
});

Deno.test("a loop that is late itself closes no connection before it has read what came; a client's silence closes it", () => {
  const { setTimeout, clearTimeout } = globalThis;
  const timers: (() => void)[] = [];
  Object.assign(globalThis, {
    setTimeout: (callback: () => void) => timers.push(callback),
    clearTimeout: (timer: number) => timers[timer - 1] = () => {},
  });
  try {
    const closed: string[] = [];
    const connections = new Connections(1);
    const close = (why: string) => void closed.push(why);
    const place = connections.add("192.0.2.1", close);
    // However late it is, there is another turn of the loop, which reads.
    timers[0]!();
    assert.deepEqual(closed, []);
    place.requested();
    connections.add("192.0.2.2", close);
    assert.deepEqual(closed.splice(0), ["full"]);
    for (let turn = 1; turn < timers.length; turn++) timers[turn]!();
    assert.deepEqual([closed, connections.count], [["late"], 0]);
    assert.ok(timers.length < 20, `${timers.length} turns`);
  } finally {
    Object.assign(globalThis, { setTimeout, clearTimeout });
  }
});
