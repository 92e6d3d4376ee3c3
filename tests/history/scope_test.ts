// Which elements of the rules concern a subject.

import assert from "node:assert/strict";
import { emptyState } from "../../src/fold/cluster_state.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { directoryOf } from "../../src/history/directory.ts";
import { findSubject, isNameProblem } from "../../src/history/names.ts";
import { scopeOf } from "../../src/history/scope.ts";
import { offsetOf } from "../../src/ledger/record.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";

const STATE = (() => {
  const state = emptyState();
  const objects = [
    service("shop/web 10.96.0.1 http:80/tcp https:443/tcp"),
    service("shop/cart 10.96.0.10 http:80/tcp"),
    service("shop/six fd00:96::1 http:80/tcp"),
    slice("shop/web-a http:8080/tcp https:8443/tcp 10.244.0.1@node-a 10.244.1.2@node-b"),
    slice("shop/cart-a http:8080/tcp 10.244.0.10@node-a"),
    slice("shop/six-a http:8080/tcp fd00::1@node-a"),
    {
      kind: "Node",
      metadata: { name: "node-b", labels: { "topology.kubernetes.io/zone": "zone-1" } },
      spec: {},
      status: { addresses: [{ type: "InternalIP", address: "192.0.2.2" }] },
    } as const,
  ];
  objects.forEach((object, i) => foldRecord(state, offsetOf(i), appears(object)));
  return state;
})();

/** The elements about `text`, each `KEY` or `KEY : VALUE`, without those of hairpins. */
function about(text: string): string[] {
  const subject = findSubject(directoryOf(STATE), text);
  assert.ok(!isNameProblem(subject), text);
  const scope = scopeOf(subject, STATE);
  return [...STATE.desired.values()].flatMap((set) => [...set.values()]).filter(scope)
    .map(({ key, value }) => value === undefined ? key : `${key} : ${value}`).sort();
}

Deno.test("a Service, a port, an address, a block, a node and a zone each have the elements that concern them", () => {
  const cart = [
    "10.96.0.10",
    "10.96.0.10 . tcp . 80 : 10.244.0.10 . 8080",
  ];
  const https = [
    "10.96.0.1 . tcp . 443 . 0 : 10.244.0.1 . 8443",
    "10.96.0.1 . tcp . 443 . 1 : 10.244.1.2 . 8443",
  ];
  assert.deepEqual(about("cart"), cart);
  assert.deepEqual(about("web:https"), https);
  assert.deepEqual(about("10.96.0.10"), cart, "and not those of 10.96.0.1");
  assert.deepEqual(about("10.96.0.1:443"), https);
  assert.deepEqual(about("010.244.0.1:8443"), [https[0]]);
  assert.deepEqual(about("10.244.0.8/29"), [cart[1]]);
  const onB = [https[1]!, "10.96.0.1 . tcp . 80 . 1 : 10.244.1.2 . 8080"];
  assert.deepEqual(about("node-b"), onB);
  assert.deepEqual(about("zone-1"), onB);
  assert.deepEqual(about("fd00::/64"), ["fd00:96::1 . tcp . 80 : fd00::1 . 8080"]);
});
