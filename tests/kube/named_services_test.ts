// The Services that an event or a comment names.

import assert from "node:assert/strict";
import { serviceOfComment, servicesOfEvent } from "../../src/kube/named_services.ts";
import { appears, service, slice, vanishes } from "../support/cluster_notation.ts";

Deno.test("a Service names itself, a slice its owner, and a deleted slice each Service that may own it", () => {
  const web = slice("shop/web-admin-x7k http:80/tcp 10.244.0.1");
  assert.deepEqual(servicesOfEvent(appears(service("shop/web 10.96.0.1 http:80/tcp"))), ["shop/web"]);
  assert.deepEqual(servicesOfEvent(appears(web)), ["shop/web-admin"]);
  assert.deepEqual(servicesOfEvent(vanishes(web)), ["shop/web", "shop/web-admin"]);
  const node = { kind: "Node", namespace: "", name: "node-a" } as const;
  assert.deepEqual(servicesOfEvent({ key: node, value: null }), []);
});

Deno.test("a comment is the name of a ServicePort, with or without a port name", () => {
  assert.deepEqual(["shop/web:http", "shop/web"].map(serviceOfComment), ["shop/web", "shop/web"]);
});
