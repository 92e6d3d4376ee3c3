// Fields of an object that are kept as evidence: which pod an endpoint is, which pods a Service selects, who changed the object, and
// what a person or a tool noted about it. The rules depend on none of them but the annotations `ledgerproxy.io/...`. A wrong value is
// left out alone.

import { isJsonObject } from "./json_value.ts";
import { TRIGGER } from "./objects.ts";
import * as z from "./zod.ts";

/** The annotations that are kept, each with the reason. All others may hold secrets, or whole manifests. */
export const KEPT_ANNOTATIONS: Readonly<Record<string, string>> = {
  [TRIGGER]: "when the change of pods or Service began that led to the slice (kube-controller-manager)",
  "endpoints.kubernetes.io/over-capacity": "the slice leaves endpoints out (kube-controller-manager)",
  "ledgerproxy.io/choice": "whether a Service chooses endpoints by the client",
  "ledgerproxy.io/cut-terminated-seconds":
    "when connections to endpoints that are gone are cut (run --cut-terminated)",
  "ledgerproxy.io/weight": "how many connections an endpoint of the slice gets beside others",
  "kubernetes.io/change-cause": "why a person changed the object (kubectl annotate)",
  "meta.helm.sh/release-name": "which Helm release the object belongs to",
  "meta.helm.sh/release-namespace": "and in which namespace",
  "argocd.argoproj.io/tracking-id": "which Argo CD application writes the object",
  "service.kubernetes.io/topology-aware-hints": "why endpoints have hints, up to Kubernetes 1.27",
  "service.kubernetes.io/topology-mode": "why endpoints have hints, since Kubernetes 1.27 (KEP-2433)",
};

/** Longest value of an annotation in characters; longer ones are left out. */
const ANNOTATION_CHARACTERS_MAX = 512;
/** Most pairs of a selector. */
const SELECTOR_PAIRS_MAX = 64;

const KEPT_NAMES = Object.keys(KEPT_ANNOTATIONS).sort();

/** `metadata.annotations`, pruned to those of the table. */
export const annotations = z.record(z.string(), z.unknown()).nullish().transform((all) => {
  const kept = KEPT_NAMES.flatMap((name) => {
    const value = all?.[name];
    return typeof value === "string" && value.length <= ANNOTATION_CHARACTERS_MAX ? [[name, value]] : [];
  });
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
});

/** `spec.selector` of a Service. */
export const selector = z.unknown().nullish().transform((value) => {
  if (!isJsonObject(value)) return undefined;
  const pairs = Object.entries(value).filter(([, label]) => typeof label === "string").sort(byKey);
  return pairs.length === 0 || pairs.length > SELECTOR_PAIRS_MAX ? undefined : Object.fromEntries(pairs);
});

/** `targetRef` of an endpoint, pruned to kind and name: it is in the namespace of its slice. */
export const targetRef = z.unknown().nullish().transform((value) => {
  if (!isJsonObject(value) || typeof value.kind !== "string" || typeof value.name !== "string") {
    return undefined;
  }
  return { kind: value.kind, name: value.name };
});

/** `metadata.managedFields`, pruned to the name of the manager that wrote last: `[{ manager: "kubectl-edit" }]`. */
export const managedFields = z.unknown().nullish().transform((value) => {
  let newest: { readonly manager: string; readonly time: string } | undefined;
  for (const entry of Array.isArray(value) ? value : []) {
    if (!isJsonObject(entry) || typeof entry.manager !== "string") continue;
    const time = typeof entry.time === "string" ? entry.time : "";
    // Times are RFC 3339 in UTC without fractions, so their texts are in order (meta/v1 Time).
    if (newest === undefined || time >= newest.time) newest = { manager: entry.manager, time };
  }
  return newest === undefined ? undefined : [{ manager: newest.manager }];
});

/** A text, or nothing. */
export const optionalText = z.unknown().nullish().transform((value) =>
  typeof value === "string" ? value : undefined
);

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}
