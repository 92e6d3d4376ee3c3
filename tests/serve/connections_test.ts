// Who has to go when all connections are taken.

import assert from "node:assert/strict";
import { Connections } from "../../src/serve/connections.ts";

/** Fills `connections` from `addresses` in order; the names of those that were closed. */
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

Deno.test("the oldest connection of the client that has the most has to go", () => {
  assert.deepEqual(closedOf(3, ["a", "b", "b", "c"]), ["b #1"]);
  assert.deepEqual(closedOf(3, ["a", "b", "c", "d"]), ["a #0"], "where all have one, the oldest");
  assert.deepEqual(closedOf(2, ["a", "b", "b", "b", "b"]), ["a #0", "b #1", "b #2"]);
});

Deno.test("an IPv6 client is its /64, and a mapped IPv4 address is that address", () => {
  assert.deepEqual(closedOf(3, ["fd00::1", "2001:db8:0:1::1", "2001:db8:0:1:ffff::2", "fd00:0:0:1::1"]), [
    "2001:db8:0:1::1 #1",
  ]);
  assert.deepEqual(closedOf(3, ["192.0.2.2", "::ffff:192.0.2.1", "192.0.2.1", "192.0.2.3"]), [
    "::ffff:192.0.2.1 #1",
  ]);
});
