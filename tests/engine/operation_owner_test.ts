// From a rejected operation to its Service: for elements, and for the chains that affinity has.

import assert from "node:assert/strict";
import { serviceOfOperation } from "../../src/engine/operation_owner.ts";
import { CONTAINERS, OBJECT_PATHS, PATHS, TABLE } from "../../src/fold/skeleton.ts";
import { chainOf } from "../../src/nft/objects.ts";
import { canonicalKey } from "../../src/nft/ruleset.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";
import { folded } from "../support/folded.ts";

const CLUSTER = folded(
  appears(service("shop/web 10.96.0.1 http:80/tcp")),
  appears(
    service("shop/pinned 10.96.0.2 http:80/tcp", "2026-01-01T00:00:00Z", {
      sessionAffinity: "ClientIP",
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 90 } },
    }),
  ),
  appears(slice("shop/pinned-a http:8080/tcp 10.244.0.1 10.244.0.2")),
);
const CLUSTER_IPS = PATHS.ip["cluster-ips"];
const FRAME = { family: "ip", table: TABLE } as const;

Deno.test("an element belongs to the Service that has it; one that none has belongs to none", () => {
  const owner = (key: string) =>
    serviceOfOperation(CLUSTER, {
      ...{ verb: "add", noun: "element", set: CLUSTER_IPS, container: CONTAINERS.get(CLUSTER_IPS)! },
      element: { key: canonicalKey(key) },
    });
  assert.equal(owner("10.96.0.1"), "shop/web");
  assert.equal(owner("10.96.0.9"), undefined);
});

Deno.test("chains of affinity and their rules belong to their Service, when they are made and when they go", () => {
  const [chain] = [...CLUSTER.desired.get(OBJECT_PATHS.ip.chain)!.values()].map(chainOf);
  const owner = (operation: Parameters<typeof serviceOfOperation>[1]) =>
    serviceOfOperation(CLUSTER, operation);
  assert.equal(owner({ verb: "add", noun: "chain", ...FRAME, chain: chain! }), "shop/pinned");
  assert.equal(owner({ verb: "delete", noun: "chain", ...FRAME, name: chain!.name }), "shop/pinned");
  assert.equal(
    owner({ verb: "add", noun: "rule", ...FRAME, chain: chain!.name, rule: chain!.rules[0]! }),
    "shop/pinned",
  );
});

Deno.test("a table belongs to all Services, so to none", () => {
  assert.equal(serviceOfOperation(CLUSTER, { verb: "delete", noun: "table", ...FRAME }), undefined);
});
