// The slices of a Service are found by port, protocol and family; their endpoints are read once.

import assert from "node:assert/strict";
import fc from "fast-check";
import { hostOf, isHostOf, SlicedEndpoints } from "../../src/fold/sliced_endpoints.ts";
import type { SliceEndpoint } from "../../src/kube/objects.ts";
import { slice } from "../support/cluster_notation.ts";

const FOUR = slice("shop/web-a http:8080/tcp http:8081/tcp dns:53/udp 10.244.0.1@node-a 10.244.0.2");
const SIX = slice("shop/web-b http:9090/tcp fd00::1");
const BOTH = new SlicedEndpoints([FOUR, SIX]);

Deno.test("a port finds the numbers that slices of its family give its name and protocol", () => {
  const numbers = (family: "ip" | "ip6", protocol: string, portName: string) =>
    BOTH.find({ family, protocol, portName }).map(({ number }) => number);
  assert.deepEqual(numbers("ip", "tcp", "http"), [8080, 8081]);
  assert.deepEqual(numbers("ip6", "tcp", "http"), [9090]);
  assert.deepEqual(numbers("ip", "udp", "dns"), [53]);
  assert.deepEqual(numbers("ip", "tcp", "dns"), []);
});

Deno.test("the count has every endpoint for every number", () => {
  assert.equal(BOTH.count({ family: "ip", protocol: "tcp", portName: "http" }), 4);
  assert.equal(BOTH.count({ family: "ip6", protocol: "tcp", portName: "dns" }), 0);
});

Deno.test("endpoints without a usable address of the slice's family are left out", () => {
  const endpoints = [{ addresses: ["fd00::1"] }, { addresses: ["nonsense"] }, { addresses: ["10.244.0.1"] }];
  const odd = { ...FOUR, endpoints };
  assert.deepEqual(new SlicedEndpoints([odd]).hosts(odd, "").map(({ address }) => address), ["10.244.0.1"]);
});

Deno.test("endpoints of the own node are local", () => {
  assert.deepEqual(BOTH.hosts(FOUR, "node-a").map(({ local }) => local), [true, false]);
});

Deno.test("a host is that of an endpoint where the endpoint gives the same host", () => {
  const maybe = <T>(...values: T[]) => fc.constantFrom(undefined, ...values);
  const flag = maybe(true, false);
  const names = maybe<{ name: string }[]>([], [{ name: "a" }], [{ name: "a" }, { name: "b" }], [{
    name: "b",
  }]);
  const endpoint = fc.record({
    addresses: fc.constantFrom(["10.244.0.1"], ["10.244.0.2"], ["fd00::1"], ["nonsense"], []),
    conditions: fc.option(fc.record({ ready: flag, serving: flag, terminating: flag }), { nil: undefined }),
    nodeName: maybe("node-a", "node-b"),
    hints: fc.option(fc.record({ forZones: names, forNodes: names }), { nil: undefined }),
  }) as fc.Arbitrary<SliceEndpoint>;
  const seen = fc.record({
    family: fc.constantFrom("ip" as const, "ip6" as const),
    ownNode: fc.constantFrom("", "node-a"),
    weight: fc.constantFrom(0, 1, 3),
  });
  fc.assert(
    fc.property(endpoint, endpoint, seen, (before, after, sight) => {
      const [old, now] = [hostOf(before, sight), hostOf(after, sight)];
      const isSame = isHostOf(old, after, sight);
      if (old === undefined || now === undefined) assert.equal(isSame, false);
      else if (isSame) assert.deepEqual(old, now);
      // An empty list of names and none give equal hosts. Taking them for different costs a new host, and nothing else.
      else if (JSON.stringify(before.hints) === JSON.stringify(after.hints)) assert.notDeepEqual(old, now);
    }),
    { numRuns: 2000 },
  );
});
