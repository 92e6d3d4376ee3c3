// Counts of elements as connections of Services, frontends and endpoints.

import assert from "node:assert/strict";
import {
  busiestServices,
  countedElements,
  endpointCount,
  frontendCount,
  serviceCount,
} from "../../src/history/counted_connections.ts";
import { canonicalKey, type ElementCount, setPath } from "../../src/nft/ruleset.ts";
import type { Family } from "../../src/nft/data_type.ts";

function count(
  packets: number,
  map: string,
  key: string,
  value: string,
  comment = "shop/web:http",
  family: Family = "ip",
): ElementCount {
  return {
    set: setPath(family, "ledgerproxy", map),
    element: { key: canonicalKey(key), value, comment },
    packets,
  };
}

const COUNTED = countedElements([
  count(1, "single-endpoints", "10.96.0.1 . tcp . 80", "10.244.0.1 . 8080"),
  count(2, "endpoints", "198.51.100.1 . tcp . 80 . 0", "10.244.0.1 . 8080"),
  count(4, "endpoints", "198.51.100.1 . tcp . 80 . 1", "10.244.0.2 . 8080"),
  count(8, "nodeport-endpoints", "tcp . 30080 . 0", "10.244.0.1 . 8080"),
  count(16, "nodeport-endpoints", "tcp . 30080 . 0", "fd00::1 . 8080", "shop/web:http", "ip6"),
  count(32, "affinity-endpoints", "10.96.0.2 . tcp . 80 . c04e:2910", "10.244.0.1 . 8080", "shop/sticky"),
  count(64, "no-endpoint-services", "10.96.0.3 . tcp . 80", "goto reject-chain", "shop/none"),
  count(64, "no-endpoint-services", "10.96.0.3 . tcp . 80", "goto reject-chain", "shop/none"),
]);

Deno.test("connections of a Service are those of all its elements, each once", () => {
  assert.deepEqual(serviceCount(COUNTED, "shop/web"), { served: 31, refused: 0 });
  assert.deepEqual(serviceCount(COUNTED, "shop/none"), { served: 0, refused: 64 });
  assert.deepEqual(serviceCount(COUNTED, "shop/other"), { served: 0, refused: 0 });
});

Deno.test("a frontend has the connections of its slots and numbers; a NodePort is another one in each family", () => {
  const of = (family: Family, key: string) => frontendCount(COUNTED, family, canonicalKey(key));
  assert.deepEqual(of("ip", "198.51.100.1 . tcp . 80"), { served: 6, refused: 0 });
  assert.deepEqual(of("ip", "tcp . 30080"), { served: 8, refused: 0 });
  assert.deepEqual(of("ip6", "tcp . 30080"), { served: 16, refused: 0 });
  assert.deepEqual(of("ip", "10.96.0.2 . tcp . 80"), { served: 32, refused: 0 });
  assert.deepEqual(of("ip", "10.96.0.3 . tcp . 80"), { served: 0, refused: 64 });
  assert.deepEqual(of("ip", "10.96.0.4 . tcp . 80"), { served: 0, refused: 0 });
});

Deno.test("an endpoint has those of every frontend of its ServicePort", () => {
  assert.equal(endpointCount(COUNTED, "shop/web:http", canonicalKey("10.244.0.1 . 8080")), 11);
  assert.equal(endpointCount(COUNTED, "shop/sticky", canonicalKey("10.244.0.1 . 8080")), 32);
  assert.equal(endpointCount(COUNTED, "shop/web:https", canonicalKey("10.244.0.1 . 8080")), 0);
});

Deno.test("the busiest come first, whatever became of their connections", () => {
  assert.deepEqual(busiestServices(COUNTED, 2), [
    { service: "shop/none", served: 0, refused: 64 },
    { service: "shop/sticky", served: 32, refused: 0 },
  ]);
  const idle = [count(0, "single-endpoints", "10.96.0.1 . tcp . 80", "10.244.0.1 . 8080")];
  assert.deepEqual(busiestServices(countedElements(idle), 2), []);
});
