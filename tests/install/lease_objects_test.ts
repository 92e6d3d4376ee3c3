// The permissions to publish heads in Leases. That the API server takes them, and what the policy refuses, is in
// tests/cluster/head_lease_test.ts.

import assert from "node:assert/strict";
import { leaseObjects } from "../../src/install/lease_objects.ts";

Deno.test("the account may create and patch Leases of its namespace, and nothing else", () => {
  const objects = leaseObjects({ name: "ledgerproxy", namespace: "proxies" });
  assert.deepEqual(objects.map(({ kind }) => kind), [
    "Role",
    "RoleBinding",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
  ]);
  const [role, binding] = objects;
  assert.deepEqual(role!["rules"], [
    { apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["create", "patch"] },
  ]);
  assert.deepEqual(binding!["subjects"], [{
    kind: "ServiceAccount",
    name: "ledgerproxy",
    namespace: "proxies",
  }]);
  // kustomize changes the namespaces that are fields: none may be within an expression.
  assert.match(
    JSON.stringify(objects[2]),
    /system:serviceaccount:\\" \+ request\.namespace \+ \\":ledgerproxy/,
  );
  assert.doesNotMatch(JSON.stringify(objects[2]!["spec"]), /proxies/);
});
