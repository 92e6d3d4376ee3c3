// The elements that a search finds, and the cause of each.

import assert from "node:assert/strict";
import { blameElements, servingSince } from "../../src/history/blame.ts";
import { stateAt } from "../../src/history/past.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";
import { committedPast, pastOf, SHRINKING, timeAt } from "../support/past.ts";

const OTHER = [
  appears(service("shop/web-admin 10.96.0.10 http:80/tcp")),
  appears(slice("shop/web-admin-b http:8080/tcp 10.244.0.20")),
];
const PAST = stateAt(committedPast([...SHRINKING.slice(0, 2), OTHER]), 6);

/** `set key` of what is blamed, without family and table. */
function blamed(what: string): string[] {
  return [...blameElements(PAST, what)].map(({ set, key }) => `${set} ${key}`).sort();
}

Deno.test("a Service, a ServicePort, an address and a key find their elements, by whole words", () => {
  const web = [
    "ip ledgerproxy cluster-ips 10.96.0.1",
    "ip ledgerproxy single-endpoints 10.96.0.1 . tcp . 80",
  ];
  assert.deepEqual(blamed("shop/web").filter((place) => !place.includes("hairpin")), web);
  assert.deepEqual(blamed("shop/web:http"), web.slice(1));
  assert.ok(blamed("10.244.0.2").includes(web[1]!));
  assert.ok(!blamed("10.244.0.2").some((place) => place.includes("10.96.0.10")), "10.244.0.20 is another");
  assert.deepEqual(blamed("10.96.0.1 . tcp . 80"), [web[1]]);
  for (const nothing of ["shop/we", "shop", "10.244.0", "10.9.9.9"]) assert.deepEqual(blamed(nothing), []);
});

Deno.test("an element has its cause and its commit; without a commit that is null", () => {
  const [endpoint] = blameElements(PAST, "10.96.0.1 . tcp . 80");
  assert.equal(endpoint!.cause?.offset, 3);
  assert.deepEqual([endpoint!.commit?.offset, endpoint!.commit?.time], [4, timeAt(2)]);
  const events = [...committedPast().records()].slice(0, 2).map(({ record }) => record);
  const [uncommitted] = blameElements(stateAt(pastOf(events), 1), "10.96.0.1 . tcp . 80");
  assert.deepEqual([uncommitted!.cause?.offset, uncommitted!.commit], [1, null]);
});

Deno.test("of a slot it is known since when its endpoint serves: to move is no new beginning", () => {
  const past = committedPast([
    [
      appears(service("shop/web 10.96.0.1 http:80/tcp", undefined, {
        ...{ type: "NodePort", externalTrafficPolicy: "Local" },
        ports: [{ name: "http", port: 80, protocol: "TCP", nodePort: 30080 }],
      })),
      appears(slice("shop/web-a http:8080/tcp 10.244.0.1 10.244.0.2")),
    ],
    [appears(slice("shop/web-a http:8080/tcp 10.244.0.2"))],
  ]);
  const state = stateAt(past, 4);
  const found = [...blameElements(state, "10.244.0.2")];
  const since = servingSince(past, state, found);
  const shown = found.map(({ set, cause }, i) => [set.split(" ")[2], cause?.offset, since[i]?.offset]);
  assert.deepEqual(shown.filter(([set]) => String(set).endsWith("endpoints")), [
    ["single-endpoints", 3, 1],
    ["nodeport-endpoints", 3, 1],
  ]);
  const others = [...blameElements(state, "10.96.0.1")];
  const known = servingSince(past, state, others);
  others.forEach(({ set }, i) => {
    if (!set.endsWith("endpoints")) assert.equal(known[i], undefined, set);
  });
});
