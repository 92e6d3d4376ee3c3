// Which filters select the flows to some frontends. What the kernel makes of them is in conntrack_test.ts.

import assert from "node:assert/strict";
import { filtersOf, type FlowFilter } from "../../src/kernel/conntrack_filter.ts";

const frontends = (count: number): FlowFilter[] =>
  Array.from({ length: count }, (_, i) => ({ protocol: "udp", address: "10.96.0.1", port: i + 1 }));

Deno.test("a few frontends have a filter each, many at one address have one, and many addresses one for the protocol", () => {
  assert.deepEqual(filtersOf("ip", frontends(3)), frontends(3));
  assert.deepEqual(
    filtersOf("ip", [...frontends(100), { protocol: "udp", address: undefined, port: 30053 }]),
    [
      { protocol: "udp", address: "10.96.0.1" },
      { protocol: "udp", port: 30053 },
    ],
  );
  const scattered = frontends(100).map((
    { port },
  ) => ({ protocol: "udp", address: `10.96.1.${port}`, port } as const));
  assert.deepEqual(filtersOf("ip", scattered), [{ protocol: "udp" }]);
});

Deno.test("filters of IPv6 have no address, which the kernel compares wrongly", () => {
  const found = filtersOf("ip6", [
    { protocol: "udp", address: "fd00:96::1", port: 53 },
    { protocol: "udp", address: "fd00:96::2", port: 53 },
  ]);
  assert.deepEqual(found, [{ protocol: "udp", port: 53 }]);
});
