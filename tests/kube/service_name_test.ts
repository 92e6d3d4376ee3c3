// Names of Services: made of two parts, and taken apart again.

import assert from "node:assert/strict";
import {
  nameOfService,
  namespaceOf,
  partsOfService,
  readServiceName,
  serviceName,
  withoutNamespace,
} from "../../src/kube/service_name.ts";

Deno.test("a name is namespace/name; what was written as one is read as it is", () => {
  assert.equal(serviceName("shop", "web"), "shop/web");
  assert.equal(readServiceName("shop/web"), serviceName("shop", "web"));
  assert.equal(nameOfService({ namespace: "shop", name: "web" }), "shop/web");
});

Deno.test("the parts of a name; a text without a namespace is its own", () => {
  assert.deepEqual(partsOfService("shop/web"), { namespace: "shop", name: "web" });
  assert.equal(namespaceOf("shop/web"), "shop");
  assert.equal(namespaceOf("web"), "web");
});

Deno.test("the name without its namespace; a text without a namespace is unchanged", () => {
  assert.equal(withoutNamespace("shop/web"), "web");
  assert.equal(withoutNamespace("web"), "web");
});
