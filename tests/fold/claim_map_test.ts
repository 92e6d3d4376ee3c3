// Claims by resource, however many there are at one address: as in a Map. And what is kept of them.

import assert from "node:assert/strict";
import fc from "fast-check";
import { ClaimMap } from "../../src/fold/claim_map.ts";
import { shapeOf } from "../../src/fold/service_shape.ts";
import type { ServiceResource } from "../../src/fold/resource.ts";
import { type ServiceName, serviceName } from "../../src/kube/service_name.ts";
import { service } from "../support/cluster_notation.ts";

/** Cluster IPs of both families, frontends at them, at another address, and NodePorts: 20 ports, more than are kept together. */
const RESOURCES: readonly ServiceResource[] = (() => {
  const ports = Array.from({ length: 20 }, (_, i) => ({
    ...{ name: `p${i}`, protocol: i % 2 === 0 ? "TCP" : "UDP" },
    ...{ port: 80 + i, nodePort: 30080 + i },
  }));
  const spec = { ports, externalIPs: ["203.0.113.80", "2001:db8::80"] };
  const shape = shapeOf(service("shop/web 10.96.0.1,fd00:96::1", undefined, spec), []);
  return [
    ...shape.clusterIPs,
    ...shape.ports.flatMap(({ internal, addresses, nodePort }) => [internal, ...addresses, nodePort!]),
  ];
})();

const claimants = fc.uniqueArray(fc.constantFrom("a", "b", "c"), { minLength: 1 })
  .map((names) => names.map((name) => serviceName("shop", name)));
const change = fc.record({
  resource: fc.constantFrom(...RESOURCES),
  claimants: fc.option(claimants, { nil: undefined, freq: 4 }),
  byClaim: fc.boolean(),
});

Deno.test("whatever is claimed and withdrawn, the claims are those of a Map, and what is kept stays", () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 300, size: "max" }), fc.nat(300), (changes, moment) => {
      const [claims, map] = [new ClaimMap(), new Map<string, readonly ServiceName[]>()];
      let [kept, then] = [claims.keep(), new Map(map)];
      changes.forEach(({ resource, claimants, byClaim }, i) => {
        if (i === moment) {
          kept[Symbol.dispose]();
          [kept, then] = [claims.keep(), new Map(map)];
        }
        const { claim } = resource;
        if (claimants === undefined) {
          claims.delete(claim);
          map.delete(claim);
        } else {
          if (byClaim) claims.set(claim, claimants);
          else claims.enter(resource, claimants);
          map.set(claim, claimants);
        }
      });
      assert.deepEqual(new Map(claims), map);
      assert.equal(claims.size, map.size);
      for (const resource of RESOURCES) {
        const { claim } = resource;
        assert.equal(claims.get(claim), map.get(claim));
        assert.equal(claims.of(resource), map.get(claim));
        assert.equal(claims.has(claim), map.has(claim));
        assert.equal(kept.get(claim), then.get(claim));
      }
    }),
  );
});
