// Names of service proxies: what can be one, and which proxy has a Service.

import assert from "node:assert/strict";
import {
  isForProxy,
  isServiceProxyName,
  SERVICE_PROXY_NAME_LABEL,
} from "../../src/kube/service_proxy_name.ts";
import { service } from "../support/cluster_notation.ts";

Deno.test("a name is the value of a label, and not empty", () => {
  for (const name of ["a", "blue", "Trial.blue_1", "x".repeat(63)]) assert.ok(isServiceProxyName(name), name);
  for (const name of ["", "-a", "a.", "a b", "a/b", "ä", "a\n", "x".repeat(64)]) {
    assert.ok(!isServiceProxyName(name), JSON.stringify(name));
  }
});

Deno.test("a Service is for the proxy that its label names, and without a label for the one without a name", () => {
  const web = service("shop/web 10.96.0.1 http:80/tcp");
  const labelled = (name: string) => ({
    ...web,
    metadata: { ...web.metadata, labels: { [SERVICE_PROXY_NAME_LABEL]: name } },
  });
  assert.deepEqual([isForProxy(web, undefined), isForProxy(web, "blue")], [true, false]);
  const blue = labelled("blue");
  assert.deepEqual([undefined, "blue", "Blue"].map((name) => isForProxy(blue, name)), [false, true, false]);
  assert.ok(!isForProxy(labelled(""), undefined), "an empty name leaves it to another proxy too");
});
