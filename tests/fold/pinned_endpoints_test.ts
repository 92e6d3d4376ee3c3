// Numbers of endpoints: a pin that packets wrote must lead to the same endpoint, whatever else has changed.

import assert from "node:assert/strict";
import { pinnedEndpoints } from "../../src/fold/pinned_endpoints.ts";
import { NO_SLOTS, type Slots } from "../../src/fold/slots.ts";
import { parseAddress } from "../../src/kube/address.ts";
import { FAMILIES } from "../../src/nft/data_type.ts";

const slots = (...endpoints: string[]): Slots => ({ slotClass: 4, endpoints });
const ADDRESSES = {
  ip: ["10.0.0.1", "10.0.0.2", "10.0.1.1", "255.255.255.255", "0.0.0.0"],
  ip6: ["fd00::1", "fd00::2", "2001:db8::1", "::1", "fe00::5:0:0:0:1", "::5:0:0:0:1", "1:2:3:4:5:6:7:8"],
};
const PORTS = [1, 80, 8080, 8081, 65535];

Deno.test("endpoints with one address, or with one port, have numbers that follow from nothing else", () => {
  for (const family of FAMILIES) {
    const all = ADDRESSES[family].flatMap((address) => PORTS.map((port) => `${address} . ${port}`));
    const { endpoints } = pinnedEndpoints(family, slots(...all), NO_SLOTS);
    assert.deepEqual([...endpoints.values()].sort(), [...all].sort());
    for (const number of endpoints.keys()) assert.equal(parseAddress(number), number, "in canonical text");
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
  const [first, ...others] = [...pinnedEndpoints("ip", slots("10.0.0.1 . 80"), NO_SLOTS).endpoints.keys()];
  assert.deepEqual(others, []);
  // An address whose number with port 81 is the same.
  const number = first!.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  const address = (number ^ Math.imul(81, 0x9e3779b1)) >>> 0;
  const twin = `${[24, 16, 8, 0].map((bits) => (address >>> bits) & 255).join(".")} . 81`;
  const alone = pinnedEndpoints("ip", slots(twin), NO_SLOTS).endpoints;
  assert.equal(alone.get(first!), twin, "the constant of the test is that of the program");
  const { endpoints } = pinnedEndpoints("ip", slots("10.0.0.1 . 80", twin), NO_SLOTS);
  assert.deepEqual([...endpoints.values()].sort(), ["10.0.0.1 . 80", twin].sort());
});
