// Numbers of endpoints: a pin that packets wrote must lead to the same endpoint, whatever else has changed.

import assert from "node:assert/strict";
import { pinnedEndpoints } from "../../src/fold/pinned_endpoints.ts";
import { NO_SLOTS, type Slots } from "../../src/fold/slots.ts";
import { parseAddress } from "../../src/kube/address.ts";
import { classidNumber, FAMILIES, isCanonical } from "../../src/nft/data_type.ts";

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

Deno.test("an endpoint whose number no one before it has keeps it, also where a shifted one would come to lie there", () => {
  const twins = ["10.0.0.1 . 80", "12.0.0.1 . 80"];
  const { endpoints: pair } = pinnedEndpoints("ip", slots(...twins), NO_SLOTS);
  const [shiftedTo] = [...pair].find(([, endpoint]) => endpoint === twins[1])!;
  const bits = (classidNumber(shiftedTo) >>> 4) & 0x1ff_ffff;
  const address = (96 << 24 | (bits ^ spread(80))) >>> 0;
  const third = `${[24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join(".")} . 80`;
  const { endpoints } = pinnedEndpoints("ip", slots(...twins, third), NO_SLOTS);
  assert.equal(endpoints.get(shiftedTo), third);
  assert.deepEqual([...endpoints.values()].sort(), [...twins, third]);
});

Deno.test("thousands of endpoints that would have one number get one each", () => {
  const chosen = Array.from({ length: 4096 }, (_, i) => {
    const port = 1 + (i >> 7);
    const address = ((i & 127) << 25 | spread(port) ^ spread(1)) >>> 0;
    return `${[24, 16, 8, 0].map((bits) => (address >>> bits) & 255).join(".")} . ${port}`;
  });
  const first = [...pinnedEndpoints("ip", slots(chosen[0]!), NO_SLOTS).endpoints.keys()];
  const last = [...pinnedEndpoints("ip", slots(chosen.at(-1)!), NO_SLOTS).endpoints.keys()];
  assert.deepEqual(first, last, "the constant of the test is that of the program");
  const { endpoints } = pinnedEndpoints("ip", slots(...chosen), NO_SLOTS);
  assert.equal(endpoints.size, chosen.length);
});

Deno.test("endpoints that are shifted to one number get those after it, because no step of an endpoint's own is safe", () => {
  // All that numbers follow from is the same: the third word of each address makes up for the second.
  const inverse = [1, 2, 3, 4, 5].reduce((x) => Math.imul(x, 2 - Math.imul(SPREAD, x)), 1);
  const chosen = Array.from({ length: 512 }, (_, i) => {
    const [first, second] = [0x2001_0db8, 0x1_0000 + i];
    const rest = spreadWord(spreadWord(Math.imul(80, SPREAD), first), second);
    const words = [first, second, (Math.imul(0x1234_5678, inverse) ^ rest) >>> 0, 5];
    const groups = words.flatMap((word) => [(word >>> 16).toString(16), (word & 0xffff).toString(16)]);
    return `${parseAddress(groups.join(":"))!} . 80`;
  });
  const { endpoints } = pinnedEndpoints("ip6", slots(...chosen), NO_SLOTS);
  assert.equal(endpoints.size, chosen.length);
  const [, ...others] = [...endpoints.keys()].map((text) => (classidNumber(text) >>> 4) & 0x1ff_ffff);
  assert.deepEqual(others, others.map((_, i) => others[0]! + i));
});

/** The constant of the program. */
const SPREAD = 0x9e3779b1;

function spread(port: number): number {
  return Math.imul(port, SPREAD) & 0x1ff_ffff;
}

function spreadWord(rest: number, word: number): number {
  return Math.imul(rest ^ word, SPREAD);
}
