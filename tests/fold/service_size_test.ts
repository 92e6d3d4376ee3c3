// The size of a Service is counted before its elements are made: frontends, endpoints behind them, source ranges.

import assert from "node:assert/strict";
import fc from "fast-check";
import { isSurelySmall, oversizeText, serviceSize } from "../../src/fold/service_size.ts";
import { SlicedEndpoints } from "../../src/fold/sliced_endpoints.ts";
import type { EndpointSlice, Service } from "../../src/kube/objects.ts";
import { arbitraryHistory } from "../support/arbitrary_history.ts";
import { service, slice } from "../support/cluster_notation.ts";

const sizeOf = (one: Service, ...slices: EndpointSlice[]) => serviceSize(one, new SlicedEndpoints(slices));

Deno.test("each port counts its frontends, and its endpoints once for each frontend", () => {
  const endpoints = slice("shop/web-a http:8080/tcp 10.244.0.1 10.244.0.2 !10.244.0.3");
  const plain = service("shop/web 10.96.0.1 http:80/tcp dns:53/udp");
  assert.deepEqual(sizeOf(plain, endpoints), {
    elements: 5,
    ports: 2,
    endpoints: 3,
    frontends: 1,
    ranges: 0,
  });
  const exposed = service("shop/web 10.96.0.1,fd00:96::1 http:80/tcp", undefined, {
    externalIPs: ["198.51.100.1", "198.51.100.2", "fd00:198::1"],
  });
  assert.deepEqual(sizeOf(exposed, endpoints), {
    elements: 14,
    ports: 1,
    endpoints: 3,
    frontends: 5,
    ranges: 0,
  });
});

Deno.test("source ranges count at each address of the load balancer, for each port", () => {
  const guarded: Service = {
    ...service("shop/web 10.96.0.1 a:1/tcp b:2/tcp", undefined, {
      loadBalancerSourceRanges: ["192.0.2.0/25", "192.0.2.128/25", "198.51.100.0/24"],
    }),
    status: { loadBalancer: { ingress: [{ ip: "203.0.113.1" }] } },
  };
  assert.equal(sizeOf(guarded).elements, 2 * (2 + 4));
  const weighed = serviceSize(guarded, new SlicedEndpoints([]), 32);
  assert.deepEqual([weighed.elements, weighed.ranges], [2 * (2 + 1 + 3 * 32), 6]);
  assert.ok(isSurelySmall(guarded, [], 1000, 1) && !isSurelySmall(guarded, [], 190, 32));
});

Deno.test("affinity counts as two frontends more", () => {
  const pinned = service("shop/web 10.96.0.1 http:80/tcp", undefined, { sessionAffinity: "ClientIP" });
  assert.equal(sizeOf(pinned, slice("shop/web-a http:8080/tcp 10.244.0.1 10.244.0.2")).elements, 9);
});

Deno.test("a headless Service has no elements", () => {
  assert.equal(sizeOf(service("shop/db None a:1/tcp"), slice("shop/db-a a:1/tcp 10.244.0.1")).elements, 0);
});

Deno.test("a Service that is surely small is small when it is counted", () => {
  fc.assert(fc.property(arbitraryHistory, fc.nat(30), fc.nat(40), (records, most, range) => {
    const values = records.map(({ value }) => value);
    const slices = values.filter((value) => value?.kind === "EndpointSlice");
    for (const one of values.filter((value) => value?.kind === "Service")) {
      const { elements } = serviceSize(one, new SlicedEndpoints(slices), range);
      if (isSurelySmall(one, slices, most, range)) assert.ok(elements <= most);
    }
  }));
});

Deno.test("the reason names what the count is made of", () => {
  assert.equal(
    oversizeText({ elements: 2_002_000, ports: 2000, endpoints: 1000, frontends: 1, ranges: 0 }, 65_536),
    "too large: about 2002000 elements, at most 65536 (2000 ports, up to 1 frontend and 1000 endpoints each)",
  );
});
