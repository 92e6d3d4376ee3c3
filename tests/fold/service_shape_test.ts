// What follows from a Service object alone: its frontends, and the names of its lists.

import assert from "node:assert/strict";
import { commentOf, isShapeOf, shapeOf } from "../../src/fold/service_shape.ts";
import { parseAddress } from "../../src/kube/address.ts";
import { COMMENT_BYTES_MAX } from "../../src/limits/rules.ts";
import { service } from "../support/cluster_notation.ts";

const WEB = service("shop/web 10.96.0.1,fd00:96::1 http:80/tcp", undefined, {
  externalIPs: ["203.0.113.7"],
  ports: [{ name: "http", port: 80, protocol: "TCP", nodePort: 30080 }],
});

Deno.test("a Service has a cluster IP and a frontend in each family, one at each address of others, and NodePorts", () => {
  const { clusterIPs, ports } = shapeOf(WEB, []);
  assert.deepEqual(clusterIPs.map(({ claim }) => claim), [
    "ip ledgerproxy cluster-ips 10.96.0.1",
    "ip6 ledgerproxy cluster-ips fd00:96::1",
  ]);
  const claims = ports.map(({ internal, addresses, nodePort }) =>
    [internal, ...addresses, nodePort].map((one) => [one?.claim, one?.rank, one?.address])
  );
  assert.deepEqual(claims, [[
    ["ip frontend 10.96.0.1 . tcp . 80", 0, "10.96.0.1"],
    ["ip frontend 203.0.113.7 . tcp . 80", 2, "203.0.113.7"],
    ["ip frontend tcp . 30080", 0, undefined],
  ], [
    ["ip6 frontend fd00:96::1 . tcp . 80", 0, "fd00:96::1"],
    ["ip6 frontend tcp . 30080", 0, undefined],
  ]]);
});

Deno.test("ports of one name share the names of their lists, whatever their Services", () => {
  const [first, second] = ["shop/web 10.96.0.1 http:80/tcp", "blog/web 10.96.0.2 http:8080/tcp"].map((text) =>
    shapeOf(service(text), []).ports[0]!.lists
  );
  assert.deepEqual(first, { cluster: "ip tcp http cluster", local: "ip tcp http local" });
  assert.equal(first, second);
  for (let i = 0; i < 2000; i++) shapeOf(service(`shop/web 10.96.0.1 port-${i}:80/tcp`), []);
  assert.deepEqual(shapeOf(service("shop/web 10.96.0.1 http:80/tcp"), []).ports[0]!.lists, first);
});

Deno.test("a shape is that of one object, and of the node's link-local addresses by value", () => {
  const own = [parseAddress("169.254.0.1")!];
  const shape = shapeOf(WEB, own);
  assert.ok(isShapeOf(shape, WEB, own));
  assert.ok(isShapeOf(shape, WEB, [...own]));
  assert.ok(!isShapeOf(shape, WEB, []));
  assert.ok(!isShapeOf(shape, { ...WEB }, own));
  assert.ok(!isShapeOf(undefined, WEB, own));
});

Deno.test("a comment has at most so many bytes, and is cut between characters", () => {
  assert.equal(commentOf("shop/web:http"), "shop/web:http");
  assert.equal(commentOf("é".repeat(200)), "é".repeat(Math.floor(COMMENT_BYTES_MAX / 2)));
});
