// The bounds of `run`: large legitimate Services are far below them.

import assert from "node:assert/strict";
import { serviceSize } from "../../src/fold/service_size.ts";
import { SlicedEndpoints } from "../../src/fold/sliced_endpoints.ts";
import { SERVICE_BOUNDS } from "../../src/kube/bounds.ts";
import { service, slice } from "../support/cluster_notation.ts";

/** The size of a Service with so many ports, endpoints and external addresses. */
function size(ports: number, endpoints: number, external: number): number {
  const named = Array.from({ length: ports }, (_, i) => `p${i}:${i + 1}/tcp`).join(" ");
  const hosts = Array.from({ length: endpoints }, (_, i) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
  const externalIPs = Array.from({ length: external }, (_, i) => `198.51.100.${i + 1}`);
  const slices = new SlicedEndpoints([slice(`shop/web-a ${named} ${hosts.join(" ")}`)]);
  return serviceSize(service(`shop/web 10.96.0.1 ${named}`, undefined, { externalIPs }), slices).elements;
}

Deno.test("ten times the largest Service that Kubernetes is tested with fits, at several addresses", () => {
  assert.ok(size(2, 2500, 2) <= SERVICE_BOUNDS.most);
});

Deno.test("a Service of 5,000 endpoints fits with two ports at three addresses", () => {
  assert.ok(size(2, 5000, 2) <= SERVICE_BOUNDS.most);
});

Deno.test("a Service of 2,000 ports and 1,000 endpoints does not", () => {
  assert.ok(size(2000, 1000, 0) > SERVICE_BOUNDS.most);
});

Deno.test("a hundred source ranges at two ports fit ten times, thousands at twenty ports do not", () => {
  const ranged = (ports: number, ranges: number) => {
    const named = Array.from({ length: ports }, (_, i) => `p${i}:${i + 1}/tcp`).join(" ");
    const guarded = {
      ...service(`shop/web 10.96.0.1 ${named}`, undefined, {
        loadBalancerSourceRanges: Array.from({ length: ranges }, (_, i) => `10.${i >> 8}.${i & 255}.0/24`),
      }),
      status: { loadBalancer: { ingress: [{ ip: "203.0.113.1" }] } },
    };
    return serviceSize(guarded, new SlicedEndpoints([]), SERVICE_BOUNDS.range).elements;
  };
  assert.ok(ranged(2, 1000) <= SERVICE_BOUNDS.most);
  assert.ok(ranged(20, 2000) > SERVICE_BOUNDS.most);
});
