// What the proxy needs to publish heads of its ledgers in Leases, and a policy that keeps them: each head that was published stays,
// whatever the node does. The proxy may create and patch Leases of its namespace; the policy (Kubernetes 1.30) narrows that to the
// Lease of the node that the pod runs on, and to annotations that are added.

import { HEAD_LEASE_LABEL } from "../node/head_lease.ts";
import type { Manifest } from "./manifest_object.ts";

const RBAC = "rbac.authorization.k8s.io";
const ADMISSION = "admissionregistration.k8s.io/v1";

/** The objects for the account `name` in `namespace`. */
export function leaseObjects(
  { name, namespace }: { readonly name: string; readonly namespace: string },
): Manifest[] {
  const metadata = { name: `${name}-heads`, namespace };
  return [
    {
      apiVersion: `${RBAC}/v1`,
      kind: "Role",
      metadata,
      rules: [{ apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["create", "patch"] }],
    },
    {
      apiVersion: `${RBAC}/v1`,
      kind: "RoleBinding",
      metadata,
      roleRef: { apiGroup: RBAC, kind: "Role", name: metadata.name },
      subjects: [{ kind: "ServiceAccount", name, namespace }],
    },
    policy(metadata, name),
    {
      apiVersion: ADMISSION,
      kind: "ValidatingAdmissionPolicyBinding",
      metadata: { name: metadata.name },
      spec: {
        policyName: metadata.name,
        validationActions: ["Deny"],
        matchResources: { namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } } },
      },
    },
  ];
}

/**
 * Of Leases with heads, and of every Lease that the proxy's account writes. The account is that of the Lease's namespace, which the
 * binding chooses: kustomize changes the namespace in fields, and not within expressions.
 */
function policy({ name }: { readonly name: string }, account: string): Manifest {
  const user = `"system:serviceaccount:" + request.namespace + ":${account}"`;
  const heads = "oldObject.metadata.?annotations.orValue({})";
  const kept = "object.metadata.?annotations.orValue({})";
  const label = `metadata.?labels[?"${HEAD_LEASE_LABEL.name}"].orValue("") == "${HEAD_LEASE_LABEL.value}"`;
  return {
    apiVersion: ADMISSION,
    kind: "ValidatingAdmissionPolicy",
    metadata: { name },
    spec: {
      failurePolicy: "Fail",
      matchConstraints: {
        resourceRules: [{
          apiGroups: ["coordination.k8s.io"],
          apiVersions: ["v1"],
          operations: ["CREATE", "UPDATE"],
          resources: ["leases"],
        }],
      },
      matchConditions: [{
        name: "heads",
        expression: `request.userInfo.username == ${user} || (oldObject != null && oldObject.${label})`,
      }],
      validations: [
        {
          expression: `request.userInfo.username != ${user} || ` +
            `object.metadata.name == "ledgerproxy-" + request.userInfo.?extra["authentication.kubernetes.io/node-name"][?0].orValue("")`,
          message: "the proxy may only write the Lease of the node that it runs on",
        },
        {
          expression: `object.${label}`,
          message: "a Lease with heads keeps its label",
        },
        {
          expression: `oldObject == null || ${heads}.all(key, !key.startsWith("head.ledgerproxy/") || ` +
            `(key in ${kept} && ${kept}[key] == ${heads}[key]))`,
          message: "a head of a ledger that was published is not changed or removed",
        },
      ],
    },
  };
}
