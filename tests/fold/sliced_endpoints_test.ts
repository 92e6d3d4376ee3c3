// The slices of a Service are found by port, protocol and family; their endpoints are read once.

import assert from "node:assert/strict";
import { SlicedEndpoints } from "../../src/fold/sliced_endpoints.ts";
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
