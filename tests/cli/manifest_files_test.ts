// The manifests that a command is given. What it says of them is in commands/plan_test.ts.

import assert from "node:assert/strict";
import { isNamespaceName, ManifestFiles } from "../../src/cli/manifest_files.ts";
import { describeKey, objectKey } from "../../src/kube/objects.ts";

const YAML = `apiVersion: v1
kind: ServiceList
items:
- metadata: {name: web}
  spec: {ipFamilyPolicy: SingleStack, ports: [{port: 80, targetPort: 8080}]}
- metadata: {name: web, namespace: shop}
  spec: {ports: [{port: 80}]}
---
apiVersion: v1
kind: Node
metadata: {name: node-a}
`;

Deno.test("objects without a namespace get that of the flag, with their further fields; Nodes have none", () => {
  const file = Deno.makeTempFileSync({ suffix: ".yaml" });
  Deno.writeTextFileSync(file, YAML);
  const files = new ManifestFiles("blue");
  const names = files.read("-f", [file]).map((object) => describeKey(objectKey(object)));
  Deno.removeSync(file);
  assert.deepEqual(names, ["Service blue/web", "Service shop/web", "Node node-a"]);
  assert.deepEqual([...files.manifests], [
    ["Service blue/web", { ipFamilyPolicy: "SingleStack", targetPorts: new Map([["", 8080]]) }],
    ["Service shop/web", { targetPorts: new Map([["", 80]]) }],
  ]);
});

Deno.test("the name of a namespace is an RFC 1123 label", () => {
  for (const name of ["shop", "a", "kube-system", "7", "a".repeat(63)]) {
    assert.ok(isNamespaceName(name), name);
  }
  for (const name of ["", "Shop", "a.b", "-a", "a-", "a/b", "a".repeat(64)]) {
    assert.ok(!isNamespaceName(name), name);
  }
});
