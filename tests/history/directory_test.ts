// The names that a state knows.

import assert from "node:assert/strict";
import { emptyState } from "../../src/fold/cluster_state.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { directoryOf, podOf } from "../../src/history/directory.ts";
import { offsetOf } from "../../src/ledger/record.ts";
import { appears, service, slice, vanishes } from "../support/cluster_notation.ts";

Deno.test("names come from Services, Node objects, and what endpoints say of their node, pod and zone", () => {
  const state = emptyState();
  const web = slice("shop/web-a http:8080/tcp 10.244.0.1@node-a 10.244.1.2@node-b");
  const endpoints = [
    { ...web.endpoints[0]!, hostname: "web-0", hints: { forZones: [{ name: "zone-9" }] } },
    { ...web.endpoints[1]!, targetRef: { kind: "Pod", namespace: "shop", name: "web-7xk2p" } },
  ];
  const node = {
    kind: "Node",
    metadata: { name: "node-a", labels: { "topology.kubernetes.io/zone": "zone-1" } },
    spec: {},
    status: {
      addresses: [{ type: "ExternalIP", address: "198.51.100.1" }, {
        type: "InternalIP",
        address: "192.0.2.1",
      }],
    },
  } as const;
  [service("shop/web 10.96.0.1 http:80/tcp"), { ...web, endpoints }, node].forEach((object, i) =>
    foldRecord(state, offsetOf(i), appears(object))
  );
  const { services, nodes, pods, zones, slices } = directoryOf(state);
  assert.deepEqual([...slices], [["shop/web-a", "shop/web"]]);
  assert.deepEqual([...services].map(([name, ports]) => [name, ports().map(({ name }) => name)]), [[
    "shop/web",
    [
      "shop/web:http",
    ],
  ]]);
  assert.deepEqual([...nodes], [["node-a", ["192.0.2.1", "198.51.100.1"]], ["node-b", []]]);
  assert.deepEqual([...pods], [["shop/web-0", ["10.244.0.1"]], ["shop/web-7xk2p", ["10.244.1.2"]]]);
  assert.deepEqual([...zones].sort(), ["zone-1", "zone-9"]);
  foldRecord(state, offsetOf(3), vanishes(node));
  assert.deepEqual(directoryOf(state).nodes.get("node-a"), [], "endpoints still name it");
  assert.equal(podOf(web.endpoints[0]!, "shop"), undefined, "older ledgers name no pods");
});
