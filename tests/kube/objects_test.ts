// Keys of objects, as text: each kind has its own names, and those of the cluster have no namespace.

import assert from "node:assert/strict";
import {
  describeKey,
  describeService,
  describesKind,
  namespaceOfDescribed,
  objectKey,
} from "../../src/kube/objects.ts";
import { serviceName } from "../../src/kube/service_name.ts";
import { service, slice } from "../support/cluster_notation.ts";

Deno.test("a key names kind, namespace and name; a Node has no namespace", () => {
  assert.equal(describeKey(objectKey(service("shop/web 10.96.0.1 http:80/tcp"))), "Service shop/web");
  assert.equal(describeKey({ kind: "Node", namespace: "", name: "node-a" }), "Node node-a");
  assert.equal(describeService(serviceName("shop", "web")), "Service shop/web");
  assert.equal(namespaceOfDescribed("Service shop/web"), "shop");
  assert.equal(namespaceOfDescribed("Node node-a"), undefined);
});

Deno.test("a described key is of its kind, and of none whose name begins alike", () => {
  const described = describeKey(objectKey(slice("shop/web-a http:8080/tcp 10.244.0.1")));
  assert.ok(describesKind(described, "EndpointSlice"));
  assert.ok(!describesKind(describeKey({ kind: "ServiceCIDR", namespace: "", name: "a" }), "Service"));
});
