// Services at a position, with every kind of frontend and of endpoint.

import assert from "node:assert/strict";
import { emptyState } from "../../src/fold/cluster_state.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { countedElements } from "../../src/history/counted_connections.ts";
import { servicesOfState } from "../../src/history/services.ts";
import type { KubeObject } from "../../src/kube/objects.ts";
import { offsetOf } from "../../src/ledger/record.ts";
import { canonicalKey, setPath } from "../../src/nft/ruleset.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";

function stateOf(...objects: KubeObject[]) {
  const state = emptyState();
  foldRecord(state, offsetOf(0), { kind: "config", time: "", version: "0", nodeName: "node-a" });
  objects.forEach((object, i) => foldRecord(state, offsetOf(i + 1), appears(object)));
  return state;
}

const NODE: KubeObject = {
  kind: "Node",
  metadata: { name: "node-a", labels: { "topology.kubernetes.io/zone": "zone-1" } },
  spec: {},
  status: { addresses: [{ type: "InternalIP", address: "192.0.2.1" }] },
};

Deno.test("frontends of each kind lead to endpoints, are refused or dropped, or are held by another Service", () => {
  const balancer = service("shop/web 10.96.0.1 http:80/tcp", "2026-01-01T00:00:00Z", {
    ...{ type: "LoadBalancer", externalTrafficPolicy: "Local", externalIPs: ["198.51.100.7"] },
    ports: [{ name: "http", port: 80, protocol: "TCP", nodePort: 30080 }],
  });
  const withVip = { ...balancer, status: { loadBalancer: { ingress: [{ ip: "203.0.113.5" }] } } };
  const young = service("shop/young 10.96.0.2 http:80/tcp", "2026-02-01T00:00:00Z", {
    externalIPs: ["198.51.100.7"],
  });
  const far = slice("shop/web-a http:8080/tcp 10.0.0.1@node-b");
  const states = servicesOfState(stateOf(NODE, withVip, young, far, service("shop/plain None http:80/tcp")));
  const shown = states.map(({ service, type, frontends }) => [
    `${service} ${type}`,
    ...frontends.map(({ kind, text, leads, holder }) => `${kind} ${text} ${leads} ${holder}`.trim()),
  ]);
  assert.deepEqual(shown, [
    ["shop/plain headless"],
    [
      "shop/web LoadBalancer",
      "cluster IP 10.96.0.1:80/tcp endpoints",
      "external IP 198.51.100.7:80/tcp dropped",
      "load balancer 203.0.113.5:80/tcp dropped",
      "NodePort :30080/tcp dropped",
    ],
    [
      "shop/young ClusterIP",
      "cluster IP 10.96.0.2:80/tcp refused",
      "external IP 198.51.100.7:80/tcp held shop/web",
    ],
  ]);
  assert.deepEqual(states[1]?.policies, ["externalTrafficPolicy Local"]);
});

Deno.test("a frontend that another Service holds has no connections of its own: the kernel has counted those of its holder", () => {
  const external = (name: string, created: string) =>
    service(name, created, { externalIPs: ["198.51.100.7"] });
  const state = stateOf(
    external("shop/web 10.96.0.1 http:80/tcp", "2026-01-01T00:00:00Z"),
    external("shop/young 10.96.0.2 http:80/tcp", "2026-02-01T00:00:00Z"),
  );
  const set = setPath("ip", "ledgerproxy", "no-endpoint-services");
  const element = { key: canonicalKey("198.51.100.7 . tcp . 80"), comment: "shop/web:http" };
  const counted = countedElements([{ set, element, packets: 9 }]);
  const known = { changed: new Map(), since: new Map(), counted };
  assert.deepEqual(
    servicesOfState(state, undefined, known).map(({ service, connections, frontends }) => [
      service,
      connections?.refused,
      ...frontends.map(({ connections }) => connections?.refused),
    ]),
    [["shop/web", 9, 0, 9], ["shop/young", 0, 0, undefined]],
  );
});

Deno.test("endpoints have node, zone, pod, condition, and the traffic that gets to them here", () => {
  const web = slice("shop/web-a http:8080/tcp 10.0.0.1@node-a 10.0.0.2@node-b !10.0.0.3@node-b");
  const endpoints = web.endpoints.map((one, i) => i === 0 ? { ...one, hostname: "web-0" } : one);
  const [one] = servicesOfState(
    stateOf(NODE, service("shop/web 10.96.0.1 http:80/tcp metrics:9090/tcp"), { ...web, endpoints }),
  );
  assert.deepEqual(
    one?.endpoints.map(({ port, endpoint, node, zone, pod, condition, traffic, slice }) =>
      [port, endpoint, node, zone, pod, condition, traffic, slice].join("|")
    ),
    [
      "http|10.0.0.1:8080|node-a|zone-1|shop/web-0|ready|all|shop/web-a",
      "http|10.0.0.2:8080|node-b|||ready|all|shop/web-a",
      "http|10.0.0.3:8080|node-b|||not ready|none|shop/web-a",
    ],
  );
  assert.deepEqual([one?.ready, one?.total, one?.lacking, one?.changed], [2, 3, ["metrics"], null]);
  const local = service("shop/web 10.96.0.1 http:80/tcp", undefined, { internalTrafficPolicy: "Local" });
  const [near] = servicesOfState(stateOf(NODE, local, web));
  assert.deepEqual(near?.endpoints.map(({ traffic }) => traffic), ["local", "none", "none"]);
});

Deno.test("a Service that is set aside leads nowhere, and says why", () => {
  const state = stateOf(
    service("shop/web 10.96.0.1 http:80/tcp"),
    slice("shop/web-a http:8080/tcp 10.0.0.1"),
  );
  foldRecord(state, offsetOf(9), {
    ...{
      kind: "commit",
      time: "",
      from: 0,
      through: 2,
      digest: "",
      outcome: "rejected",
      setAside: "shop/web",
    },
    ...{ error: "EINVAL", changes: [], changesOmitted: 0, operations: 0, microseconds: 0, generation: 0 },
  });
  const [one] = servicesOfState(state);
  assert.deepEqual([one?.aside, one?.ready, one?.total, one?.frontends[0]?.leads], [
    "EINVAL",
    0,
    1,
    "nowhere",
  ]);
});
