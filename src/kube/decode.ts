// The door for API objects: validates their shape and prunes them to the fields we read. What is wrong with a part of
// an object is a warning and the part is left out; what is wrong with the whole object is a problem.

import * as z from "./zod.ts";
import { AFFINITY_SECONDS_MAX } from "../limits.ts";
import { parseAddress, parseCidr } from "./address.ts";
import {
  describeKey,
  type EndpointSlice,
  type KubeObject,
  objectKey,
  type Service,
  TRIGGER,
} from "./objects.ts";

/** The decoded object with what had to be left out of it, or why there is none. */
export type Decoded =
  | { readonly ok: true; readonly object: KubeObject; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly problem: string };

const LABELS = [
  "service.kubernetes.io/service-proxy-name",
  "kubernetes.io/service-name",
  "service.kubernetes.io/headless",
  "topology.kubernetes.io/zone",
];
const ANNOTATIONS = [TRIGGER];
/** The one taint that decides something: the node is about to be deleted (KEP-3458). */
const TAINT = "ToBeDeletedByClusterAutoscaler";
const PROTOCOLS = ["TCP", "UDP", "SCTP"];
const PORT_MAX = 65535;

/** RFC 1123 subdomain, at most 253 characters: what names of objects consist of. */
const NAME = z.string().min(1).max(253).regex(
  /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/,
  "a name is lower-case letters, digits, '-' and '.'",
);
/** RFC 1123 label: what names of namespaces, Services and their ports consist of. */
const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const LABEL_BYTES_MAX = 63;
const labelled = z.string().max(LABEL_BYTES_MAX).regex(LABEL, "a name is lower-case letters, digits and '-'");
const text = z.string().nullish();
const number = z.number().nullish();
const texts = z.array(z.string()).nullish();
const bool = z.boolean().nullish();
const named = z.array(z.object({ name: z.string() })).nullish();

const picked = (names: readonly string[]) =>
  z.record(z.string(), z.unknown()).nullish().transform((all) => {
    const kept = names.filter((name) => typeof all?.[name] === "string").map((name) => [name, all![name]]);
    return kept.length === 0 ? undefined : Object.fromEntries(kept) as Record<string, string>;
  });

// Fields are in the order of canonical JSON, in which they are written to the ledger: that saves sorting them there.

const metadata = z.object({
  annotations: picked(ANNOTATIONS),
  creationTimestamp: text,
  labels: picked(LABELS),
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
    ports: z.array(z.object({ name: text, nodePort: number, port: z.number(), protocol: text })).nullish(),
    sessionAffinity: text,
    sessionAffinityConfig: z.object({
      clientIP: z.object({ timeoutSeconds: number }).nullish(),
    }).nullish(),
    type: text,
  }),
  status: z.object({
    loadBalancer: z.object({
      ingress: z.array(z.object({ hostname: text, ip: text, ipMode: text })).nullish(),
    }).nullish(),
  }).nullish(),
});

const endpointSlice = z.object({
  addressType: z.string(),
  endpoints: z.array(z.object({
    addresses: z.array(z.string()),
    conditions: z.object({ ready: bool, serving: bool, terminating: bool }).nullish(),
    hints: z.object({ forNodes: named, forZones: named }).nullish(),
    nodeName: text,
  })).nullish().transform((value) => value ?? []),
  kind: z.literal("EndpointSlice"),
  metadata,
  ports: z.array(z.object({ name: text, port: number, protocol: text })).nullish().transform((value) =>
    value ?? []
  ),
});

const node = z.object({
  kind: z.literal("Node"),
  metadata,
  spec: z.object({
    podCIDRs: texts,
    taints: z.array(z.object({ effect: text, key: z.string() })).nullish()
      .transform((taints) => taints?.filter(({ key }) => key === TAINT)),
  }).nullish().transform((value) => value ?? {}),
  status: z.object({
    addresses: z.array(z.object({ address: z.string(), type: z.string() })).nullish(),
  }).nullish().transform((value) => value ?? {}),
});

const serviceCidr = z.object({ kind: z.literal("ServiceCIDR"), metadata, spec: z.object({ cidrs: texts }) });

const SCHEMAS: Readonly<Record<string, { apiVersion: string; schema: z.ZodType; namespaced: boolean }>> = {
  Service: { apiVersion: "v1", schema: service, namespaced: true },
  EndpointSlice: { apiVersion: "discovery.k8s.io/v1", schema: endpointSlice, namespaced: true },
  Node: { apiVersion: "v1", schema: node, namespaced: false },
  ServiceCIDR: { apiVersion: "networking.k8s.io/v1", schema: serviceCidr, namespaced: false },
};

/** Decodes one API object (a parsed JSON or YAML value). Never throws for bad input. */
export function decodeObject(value: unknown): Decoded {
  const { kind, apiVersion } = (value ?? {}) as { kind?: unknown; apiVersion?: unknown };
  const known = typeof kind === "string" && Object.hasOwn(SCHEMAS, kind) ? SCHEMAS[kind] : undefined;
  if (known === undefined) {
    return {
      ok: false,
      problem: `kind ${JSON.stringify(kind) ?? "missing"} is not one of ${Object.keys(SCHEMAS).join(", ")}`,
    };
  }
  const object = nameOf(value);
  if (apiVersion !== known.apiVersion) {
    return {
      ok: false,
      problem: `${kind} ${object}: apiVersion ${
        JSON.stringify(apiVersion) ?? "missing"
      }, expected "${known.apiVersion}"`,
    };
  }
  const parsed = known.schema.safeParse(value);
  if (!parsed.success) return { ok: false, problem: `${kind} ${object}: ${firstIssue(parsed.error, value)}` };
  const decoded = withoutAbsent(parsed.data) as KubeObject;
  if (known.namespaced && decoded.metadata.namespace === undefined) {
    return { ok: false, problem: `${kind} ${object}: metadata.namespace is missing` };
  }
  return { ok: true, ...clean(decoded) };
}

/** The name an undecoded object seems to have, for messages. */
function nameOf(value: unknown): string {
  const { namespace, name } = ((value as { metadata?: unknown }).metadata ?? {}) as Record<string, unknown>;
  const known = JSON.stringify(namespace === undefined ? name : `${namespace}/${name}`);
  return known ?? "without a name";
}

function firstIssue(error: z.ZodError, value: unknown): string {
  const issue = error.issues[0]!;
  const found = issue.path.reduce<unknown>(
    (at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key],
    value,
  );
  return `${issue.path.join(".")}: ${issue.message}, found ${JSON.stringify(found) ?? "nothing"}`;
}

/** zod writes absent fields as undefined, and null is one; here absent means absent, so that equal objects have equal JSON. */
function withoutAbsent(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutAbsent);
  if (typeof value !== "object" || value === null) return value;
  const kept: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(value)) {
    if (field !== undefined && field !== null) kept[key] = withoutAbsent(field);
  }
  return kept;
}

function clean(object: KubeObject): { object: KubeObject; warnings: string[] } {
  const warnings: string[] = [];
  const warn = (text: string): false => {
    warnings.push(`${describeKey(objectKey(object))}: ${text}`);
    return false;
  };
  if (object.kind === "Service") return { object: cleanService(object, warn), warnings };
  if (object.kind === "EndpointSlice") return { object: cleanSlice(object, warn), warnings };
  if (object.kind === "ServiceCIDR") {
    const cidrs = object.spec.cidrs?.filter((cidr) =>
      parseCidr(cidr) !== null || warn(`spec.cidrs: "${cidr}" is not a CIDR; left out`)
    );
    return { object: cidrs === undefined ? object : { ...object, spec: { cidrs } }, warnings };
  }
  return { object, warnings };
}

/** Notes what is left out; returns false, so that a filter can end with it. */
type Warn = (text: string) => false;

function cleanService(service: Service, warn: Warn): Service {
  const { spec } = service;
  const seen = new Set<string>();
  const ports = spec.ports?.filter((port) => {
    const protocol = port.protocol ?? "TCP";
    const label = `port "${port.name ?? ""}" ${port.port}/${protocol}`;
    if (port.name && (!LABEL.test(port.name) || port.name.length > LABEL_BYTES_MAX)) {
      return warn(`${JSON.stringify(port.name)} is not the name of a port (RFC 1123 label); left out`);
    }
    if (!isPort(port.port)) return warn(`${label}: a port is 1 to ${PORT_MAX}; left out`);
    if (!PROTOCOLS.includes(protocol)) {
      return warn(`${label}: a protocol is one of ${PROTOCOLS.join(", ")}; left out`);
    }
    if (port.nodePort !== undefined && port.nodePort !== 0 && !isPort(port.nodePort)) {
      return warn(`${label}: nodePort ${port.nodePort} is not in 1 to ${PORT_MAX}; left out`);
    }
    if (seen.has(`${port.port}/${protocol}`)) return warn(`${label} stands twice; the first is used`);
    return seen.add(`${port.port}/${protocol}`);
  });
  const addresses = (field: string, list: readonly string[] | undefined) =>
    list?.filter((address) =>
      address === "None" || address === "" || parseAddress(address) !== null ||
      warn(`spec.${field}: "${address}" is not an IP address; left out`)
    );
  const clusterIPs = addresses("clusterIPs", spec.clusterIPs);
  const externalIPs = addresses("externalIPs", spec.externalIPs);
  const ranges = spec.loadBalancerSourceRanges?.filter((range) =>
    parseCidr(range) !== null || warn(`spec.loadBalancerSourceRanges: "${range}" is not a CIDR; left out`)
  );
  const { clusterIP, sessionAffinityConfig, healthCheckNodePort } = spec;
  const seconds = sessionAffinityConfig?.clientIP?.timeoutSeconds;
  const pinned = seconds === undefined || (Number.isInteger(seconds) && seconds > 0 &&
    seconds <= AFFINITY_SECONDS_MAX) ||
    warn(`timeoutSeconds ${seconds} of ClientIP affinity is not in 1 to ${AFFINITY_SECONDS_MAX}; left out`);
  const checked = !healthCheckNodePort || isPort(healthCheckNodePort) ||
    warn(`healthCheckNodePort ${healthCheckNodePort} is not in 1 to ${PORT_MAX}; left out`);
  const [ownIP] = addresses("clusterIP", clusterIP === undefined ? [] : [clusterIP])!;
  return {
    ...service,
    spec: present({
      ...spec,
      clusterIP: ownIP,
      clusterIPs,
      externalIPs,
      healthCheckNodePort: checked && healthCheckNodePort ? healthCheckNodePort : undefined,
      loadBalancerSourceRanges: ranges,
      ports,
      sessionAffinityConfig: pinned ? sessionAffinityConfig : undefined,
    }) as Service["spec"],
  };
}

/** `fields` without those that are undefined, in the same order. */
function present(fields: Record<string, unknown>): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(fields)) if (field !== undefined) kept[key] = field;
  return kept;
}

function cleanSlice(slice: EndpointSlice, warn: Warn): EndpointSlice {
  const ports = slice.ports.filter((port) => {
    const label = `port "${port.name ?? ""}"`;
    if (port.port !== undefined && !isPort(port.port)) {
      return warn(`${label}: ${port.port} is not in 1 to ${PORT_MAX}; left out`);
    }
    const protocol = port.protocol ?? "TCP";
    return PROTOCOLS.includes(protocol) ||
      warn(`${label}: protocol "${protocol}" is not one of ${PROTOCOLS.join(", ")}; left out`);
  });
  if (slice.addressType !== "IPv4" && slice.addressType !== "IPv6") return { ...slice, ports };
  const family = slice.addressType === "IPv6";
  const endpoints = slice.endpoints.filter(({ addresses }) => {
    const [address] = addresses;
    const parsed = address === undefined ? null : parseAddress(address);
    if (parsed === null) {
      return warn(`endpoint ${JSON.stringify(address) ?? "without address"} is not an IP address; left out`);
    }
    return parsed.includes(":") === family ||
      warn(`endpoint ${address} is not ${slice.addressType}; left out`);
  });
  return { ...slice, ports, endpoints };
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= PORT_MAX;
}
