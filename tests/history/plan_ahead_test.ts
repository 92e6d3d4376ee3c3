// What a node would do if objects were applied, against what it does once they are.

import assert from "node:assert/strict";
import fc from "fast-check";
import { type ClusterState, emptyState } from "../../src/fold/cluster_state.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { placeText, planAhead } from "../../src/history/plan_ahead.ts";
import { traceAt } from "../../src/history/why.ts";
import { describeKey, type KubeObject, objectKey, type Service } from "../../src/kube/objects.ts";
import { offsetOf } from "../../src/ledger/record.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";

const NODE: KubeObject = {
  kind: "Node",
  metadata: { name: "node-a" },
  spec: { podCIDRs: ["10.244.0.0/24"] },
  status: { addresses: [{ type: "InternalIP", address: "192.0.2.1" }] },
};
const WEB = service("shop/web 10.96.0.1 http:80/tcp", "2026-01-01T00:00:00Z", {
  ...{
    type: "NodePort",
    externalTrafficPolicy: "Cluster",
    sessionAffinity: "None",
    internalTrafficPolicy: "Cluster",
  },
  ports: [{ name: "http", port: 80, protocol: "TCP", nodePort: 30080 }],
});
const SLICE = slice("shop/web-a http:8080/tcp 10.244.0.1@node-a 10.244.1.1@node-b");
const CLUSTER = [NODE, WEB, SLICE];

function stateOf(...objects: KubeObject[]): () => ClusterState {
  return () => {
    const state = emptyState();
    foldRecord(state, offsetOf(0), { kind: "config", time: "", version: "1", nodeName: "node-a" });
    objects.forEach((object, i) => foldRecord(state, offsetOf(i + 1), appears(object)));
    return state;
  };
}

/** The packets of a plan, each `client place serves`. */
const packets = (objects: readonly KubeObject[], state = stateOf(...CLUSTER)) =>
  planAhead(state(), { objects }, offsetOf(9)).packets.map(({ client, packet, serves }) =>
    `${client} ${placeText(packet)} ${serves}`
  );

/** A manifest of the Service as a person writes it: without what the API server allocates. */
function manifest(spec: Partial<Service["spec"]> = {}): Service {
  return {
    kind: "Service",
    metadata: { namespace: "shop", name: "web" },
    spec: { type: "NodePort", ports: [{ name: "http", port: 80 }], ...spec },
  };
}

Deno.test("a manifest that says what is there changes nothing, though it leaves out what is allocated", () => {
  const plan = planAhead(stateOf(...CLUSTER)(), { objects: [manifest()] }, offsetOf(9));
  assert.deepEqual(plan.objects, [{ object: "Service shop/web", verb: "stays", changes: [] }]);
  assert.deepEqual([plan.packets, plan.unknown, plan.unserved], [[], [], 0]);
});

Deno.test("a policy, a slice and a port each move the packets that they concern, by class of clients", () => {
  // Under Local policy a pod is not masqueraded and another host reaches the local endpoint alone. For the node nothing changes.
  assert.deepEqual(packets([manifest({ externalTrafficPolicy: "Local" })]), [
    "pod 192.0.2.1:30080/tcp as now",
    "outside 192.0.2.1:30080/tcp as now",
  ]);
  const empty = { ...SLICE, endpoints: [] };
  const gone = planAhead(stateOf(...CLUSTER)(), { objects: [empty] }, offsetOf(9));
  assert.equal(gone.unserved, 6);
  assert.ok(gone.packets.every(({ serves, service }) => serves === "no more" && service === "shop/web"));
  assert.deepEqual(gone.objects[0]?.changes, [
    "- 10.244.0.1 ready on node-a",
    "- 10.244.1.1 ready on node-b",
  ]);
  const moved = packets([manifest({ ports: [{ name: "http", port: 81 }], type: "ClusterIP" })]);
  assert.ok(
    moved.includes("pod 10.96.0.1:80/tcp no more") && moved.includes("pod 10.96.0.1:81/tcp newly"),
    moved.join(),
  );
});

Deno.test("what is to be allocated, and endpoints of a new Service, are unknown", () => {
  const { unknown, objects, packets } = planAhead(stateOf(NODE)(), { objects: [manifest()] }, offsetOf(9));
  assert.deepEqual(unknown, [
    "shop/web: its cluster IP is to be allocated",
    "shop/web: a NodePort is to be allocated",
    "shop/web: its endpoints are unknown",
  ]);
  assert.deepEqual([objects[0]?.verb, packets], ["appears", []]);
});

Deno.test("a Service that is deleted serves no more, and its elements go", () => {
  const { objects, elements, packets, unserved } = planAhead(
    stateOf(...CLUSTER)(),
    { objects: [], deleted: [objectKey(WEB), { ...objectKey(WEB), name: "none" }] },
    offsetOf(9),
  );
  assert.deepEqual(objects.map(({ object, verb }) => `${object} ${verb}`), [
    "Service shop/web goes",
    "Service shop/none stays",
  ]);
  assert.ok(elements.some(({ before }) => before?.key.startsWith("10.96.0.1 . tcp . 80")));
  assert.ok(elements.every(({ before, after }) => before !== null && after === null));
  assert.equal(unserved, 6);
  assert.ok(packets.every(({ serves }) => serves === "no more"));
});

Deno.test("a Service that takes another one's address as its own concerns every port there", () => {
  const other = service("shop/cart 10.96.0.9 http:90/tcp", "2026-01-01T00:00:00Z", {
    externalIPs: ["10.96.0.7"],
  });
  const endpoints = slice("shop/cart-a http:8080/tcp 10.244.0.3@node-a");
  const taker = service("shop/new 10.96.0.7 http:80/tcp", "2026-05-01T00:00:00Z");
  const moved = packets([taker], stateOf(...CLUSTER, other, endpoints));
  assert.ok(moved.includes("pod 10.96.0.7:90/tcp no more"), moved.join());
});

Deno.test("endpoints of a new Service are known where its slices are there already", () => {
  const unknownOf = (...objects: KubeObject[]) =>
    planAhead(stateOf(NODE)(), { objects }, offsetOf(9)).unknown.filter((text) => /endpoints/.test(text));
  assert.equal(unknownOf(WEB).length, 1);
  assert.deepEqual(unknownOf(WEB, SLICE), []);
});

Deno.test("conflicts and parts that would be left out are named", () => {
  const rival = service("evil/web 10.96.0.9 http:80/tcp", "2026-05-01T00:00:00Z", {
    externalIPs: ["10.96.0.1", "127.0.0.1"],
  });
  const { conflicts, leftOut, unserved } = planAhead(
    stateOf(...CLUSTER)(),
    { objects: [rival] },
    offsetOf(9),
  );
  assert.deepEqual(conflicts, [
    "10.96.0.1 . tcp . 80 would be claimed by evil/web too: shop/web, whose cluster IP it is, would have it",
  ]);
  assert.match(leftOut[0]!, /^evil\/web: external IP 127\.0\.0\.1 is a loopback/);
  assert.equal(unserved, 0);
});

Deno.test("property: for objects as the API server stores them, each packet goes where the plan says", () => {
  const pods = fc.subarray([1, 2, 3, 4]);
  const change: fc.Arbitrary<KubeObject> = fc.oneof(
    fc.record({ local: fc.boolean(), port: fc.constantFrom(80, 81), external: fc.boolean() }).map((one) => ({
      ...WEB,
      spec: {
        ...WEB.spec,
        externalTrafficPolicy: one.local ? "Local" : "Cluster",
        externalIPs: one.external ? ["198.51.100.1"] : [],
        ports: [{ name: "http", port: one.port, protocol: "TCP", nodePort: 30080 }],
      },
    })),
    pods.map((numbers) =>
      slice(
        `shop/web-a http:8080/tcp ${
          numbers.map((n) => `10.244.${n % 2}.${n}@node-${n % 2 ? "b" : "a"}`).join(" ")
        }`,
      )
    ),
    fc.boolean().map((external) =>
      service("shop/cart 10.96.0.2 http:80/tcp", "2026-03-01T00:00:00Z", {
        externalIPs: external ? ["198.51.100.1"] : [],
      })
    ),
  );
  fc.assert(
    fc.property(
      fc.uniqueArray(change, {
        minLength: 1,
        maxLength: 3,
        selector: (one) => describeKey(objectKey(one)),
      }),
      (changes) => {
        const plan = planAhead(stateOf(...CLUSTER)(), { objects: changes }, offsetOf(9));
        const [before, after] = [stateOf(...CLUSTER)(), stateOf(...CLUSTER, ...changes)()];
        for (const { packet, before: was, after: is } of plan.packets) {
          assert.deepEqual(traceAt(before, packet).outcomes, was);
          assert.deepEqual(traceAt(after, packet).outcomes, is);
        }
        const said = new Set(plan.packets.map(({ packet }) => JSON.stringify(packet)));
        for (const destination of ["10.96.0.1", "10.96.0.2", "198.51.100.1"]) {
          for (const source of ["10.244.0.0", "192.0.2.1", "203.0.113.77"]) {
            for (const port of [80, 81]) {
              const claim = `ip frontend ${destination} . tcp . ${port}`;
              if (![before, after].some(({ claims }) => claims.has(claim))) continue;
              const packet = { destination, port, source, protocol: "tcp" } as never as Parameters<
                typeof traceAt
              >[1];
              const [was, is] = [before, after].map((state) =>
                JSON.stringify(traceAt(state, packet).outcomes)
              );
              assert.ok(
                was === is || said.has(JSON.stringify(packet)),
                `${JSON.stringify(packet)} goes elsewhere`,
              );
            }
          }
        }
      },
    ),
  );
});
