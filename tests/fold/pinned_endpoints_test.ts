// Numbers of endpoints: a pin that packets wrote must lead to the same endpoint, whatever else has changed.

import assert from "node:assert/strict";
import { pinnedEndpoints } from "../../src/fold/pinned_endpoints.ts";
import { NO_SLOTS, type Slots } from "../../src/fold/slots.ts";
import { FAMILIES, isCanonical } from "../../src/nft/data_type.ts";

const slots = (...endpoints: string[]): Slots => ({ slotClass: 4, endpoints });
// Those of each family are in one network of 2^25 addresses.
const ADDRESSES = {
  ip: ["10.0.0.1", "10.0.0.2", "10.0.1.1", "11.255.255.255", "10.0.0.0"],
  ip6: ["fd00::1", "fd00::2", "fd00::ffff", "fd00::1ff:ffff", "fd00::"],
};
const PORTS = [1, 80, 8080, 8081, 65535];

Deno.test("endpoints with one address, or with one port, have numbers that follow from nothing else", () => {
  for (const family of FAMILIES) {
    const all = ADDRESSES[family].flatMap((address) => PORTS.map((port) => `${address} . ${port}`));
    const { endpoints } = pinnedEndpoints(family, slots(...all), NO_SLOTS);
    assert.deepEqual([...endpoints.values()].sort(), [...all].sort());
    for (const number of endpoints.keys()) assert.ok(isCanonical("classid", number), number);
    for (const [number, endpoint] of endpoints) {
      const [address, port] = endpoint.split(" . ");
      const related = all.filter((other) => other.startsWith(`${address} `) || other.endsWith(` ${port}`));
      for (const list of [related, [...related].reverse(), [endpoint]]) {
        const alone = pinnedEndpoints(family, slots(...list), NO_SLOTS).endpoints;
        assert.equal(alone.get(number), endpoint);
      }
    }
  }
});

Deno.test("the lists have the numbers of their endpoints, in their slots", () => {
  const { endpoints, cluster, local } = pinnedEndpoints(
    "ip",
    slots("10.0.0.2 . 80", "10.0.0.1 . 80"),
    slots("10.0.0.3 . 80", "10.0.0.1 . 80"),
  );
  const named = (list: Slots) => list.endpoints.map((number) => endpoints.get(number as never));
  assert.deepEqual(named(cluster), ["10.0.0.2 . 80", "10.0.0.1 . 80"]);
  assert.deepEqual(named(local), ["10.0.0.3 . 80", "10.0.0.1 . 80"]);
  assert.equal(cluster.slotClass, 4);
});

Deno.test("of two endpoints that would have the same number, one is shifted", () => {
  const numberOf = (endpoint: string) => {
    const [number, ...others] = pinnedEndpoints("ip", slots(endpoint), NO_SLOTS).endpoints.keys();
    assert.deepEqual(others, []);
    return number!;
  };
  // Addresses that differ in their highest bits alone.
  const twins = ["10.0.0.1 . 80", "12.0.0.1 . 80"];
  assert.equal(numberOf(twins[0]!), numberOf(twins[1]!));
  const { endpoints, shifted } = pinnedEndpoints("ip", slots(...twins), NO_SLOTS);
  assert.deepEqual([...endpoints.values()].sort(), twins);
  assert.equal(shifted, true);
  assert.equal(endpoints.get(numberOf(twins[0]!)), twins[0], "the first one keeps it");
});

Deno.test("thousands of endpoints that would have one number are shifted by a few steps each", () => {
  const inverse = (port: number) => Math.imul(port, 0x9e3779b1) & 0x1ff_ffff;
  const chosen = Array.from({ length: 4096 }, (_, i) => {
    const port = 1 + (i >> 7);
    const address = ((i & 127) << 25 | inverse(port) ^ inverse(1)) >>> 0;
    return `${[24, 16, 8, 0].map((bits) => (address >>> bits) & 255).join(".")} . ${port}`;
  });
  const first = [...pinnedEndpoints("ip", slots(chosen[0]!), NO_SLOTS).endpoints.keys()];
  const last = [...pinnedEndpoints("ip", slots(chosen.at(-1)!), NO_SLOTS).endpoints.keys()];
  assert.deepEqual(first, last, "the constant of the test is that of the program");
  const { endpoints } = pinnedEndpoints("ip", slots(...chosen), NO_SLOTS);
  assert.equal(endpoints.size, chosen.length);
});
