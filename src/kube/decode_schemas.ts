// The shapes of the objects that this program reads: the fields that decide rules, and a few that are kept as evidence
// (evidence_fields.ts), in the order of canonical JSON. The
// values of the fields are checked in decode_parts.ts.

import * as z from "./zod.ts";
import { LABEL_BYTES_MAX, OBJECT_LIST_MAX } from "../limits/input.ts";
import { annotations, managedFields, optionalText, selector, targetRef } from "./evidence_fields.ts";
import { type QuickReader, quickReader } from "./quick_schema.ts";
import { SERVICE_PROXY_NAME_LABEL } from "./service_proxy_name.ts";

/** The one taint that is read: the autoscaler is about to delete the node (KEP-3458). */
const TAINT = "ToBeDeletedByClusterAutoscaler";

/** RFC 1123 subdomain, at most 253 characters: the name of an object. */
const NAME = z.string().min(1).max(253).regex(
  /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/,
  "a name is lower-case letters, digits, '-' and '.'",
);
/** RFC 1123 label: the name of a namespace, a Service or a port. */
export const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const labelled = z.string().max(LABEL_BYTES_MAX).regex(LABEL, "a name is lower-case letters, digits and '-'");
const text = z.string().nullish();
const number = z.number().nullish();
const bool = z.boolean().nullish();

/** A list whose length is checked before its elements. */
const list = <T extends z.ZodType>(element: T) =>
  z.custom<z.input<T>[]>(
    (value) => !Array.isArray(value) || value.length <= OBJECT_LIST_MAX,
    `more than ${OBJECT_LIST_MAX} elements`,
  ).pipe(z.array(element));
const texts = list(z.string()).nullish();
const named = list(z.object({ name: z.string() })).nullish();

// Fields are in the order of canonical JSON, so the ledger need not sort them when it writes them.

const labelFields = {
  "kubernetes.io/service-name": text,
  "service.kubernetes.io/headless": text,
  [SERVICE_PROXY_NAME_LABEL]: text,
  "topology.kubernetes.io/zone": text,
};
/** The labels that are read. */
export const KEPT_LABELS: readonly string[] = Object.keys(labelFields);
/** A map without any of them counts as absent. */
const labels = z.object(labelFields).nullish().transform((all) =>
  Object.values(all ?? {}).some((label) => label != null) ? all : undefined
);

const metadata = z.object({
  annotations,
  creationTimestamp: text,
  deletionTimestamp: optionalText,
  labels,
  managedFields,
  name: NAME,
  namespace: labelled.nullish(),
  resourceVersion: text,
  uid: text,
});

const service = z.object({
  kind: z.literal("Service"),
  metadata: metadata.extend({ name: labelled }),
  spec: z.object({
    clusterIP: text,
    clusterIPs: texts,
    externalIPs: texts,
    externalTrafficPolicy: text,
    healthCheckNodePort: number,
    internalTrafficPolicy: text,
    ipFamilies: texts,
    loadBalancerSourceRanges: texts,
    ports: list(z.object({ name: text, nodePort: number, port: z.number(), protocol: text })).nullish(),
    selector,
    sessionAffinity: text,
    sessionAffinityConfig: z.object({
      clientIP: z.object({ timeoutSeconds: number }).nullish(),
    }).nullish(),
    type: text,
  }),
  status: z.object({
    loadBalancer: z.object({
      ingress: list(z.object({ hostname: text, ip: text, ipMode: text })).nullish(),
    }).nullish(),
  }).nullish(),
});

const endpointSlice = z.object({
  addressType: z.string(),
  endpoints: list(z.object({
    addresses: list(z.string()),
    conditions: z.object({ ready: bool, serving: bool, terminating: bool }).nullish(),
    hints: z.object({ forNodes: named, forZones: named }).nullish(),
    nodeName: text,
    targetRef,
  })).nullish().transform((value) => value ?? []),
  kind: z.literal("EndpointSlice"),
  metadata,
  ports: list(z.object({ name: text, port: number, protocol: text })).nullish().transform((value) =>
    value ?? []
  ),
});

/** A cluster-scoped object has no namespace, whatever a file says. */
const clusterScoped = metadata.omit({ namespace: true });

const node = z.object({
  kind: z.literal("Node"),
  metadata: clusterScoped,
  spec: z.object({
    podCIDRs: texts,
    taints: list(z.object({ effect: text, key: z.string() })).nullish()
      .transform((taints) => taints?.filter(({ key }) => key === TAINT)),
  }).nullish().transform((value) => value ?? {}),
  status: z.object({
    addresses: list(z.object({ address: z.string(), type: z.string() })).nullish(),
  }).nullish().transform((value) => value ?? {}),
});

const serviceCidr = z.object({
  kind: z.literal("ServiceCIDR"),
  metadata: clusterScoped,
  spec: z.object({ cidrs: texts }),
});

/** How one kind is decoded. */
export interface KindSchema {
  readonly apiVersion: string;
  readonly schema: z.ZodType;
  /** Reads values that fit the schema more quickly. */
  readonly quickly: QuickReader;
  readonly namespaced: boolean;
}

function kind(apiVersion: string, schema: z.ZodType, namespaced: boolean): KindSchema {
  return { apiVersion, schema, quickly: quickReader(schema), namespaced };
}

/** Every kind that this program reads. */
export const SCHEMAS: Readonly<Record<string, KindSchema>> = {
  Service: kind("v1", service, true),
  EndpointSlice: kind("discovery.k8s.io/v1", endpointSlice, true),
  Node: kind("v1", node, false),
  ServiceCIDR: kind("networking.k8s.io/v1", serviceCidr, false),
};
