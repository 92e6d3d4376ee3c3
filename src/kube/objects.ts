// The Kubernetes objects that this program reads, in the API's own shape and names, pruned to the fields that decide rules.
// The ledger stores them so, with a few fields more that decide no rule (evidence_fields.ts), and without secrets.

import type { ServiceName } from "./service_name.ts";

/** Annotation of an EndpointSlice: when the change of pods or Service began that led to it, RFC 3339. */
export const TRIGGER = "endpoints.kubernetes.io/last-change-trigger-time";

/** The metadata that is kept of every object. */
export interface ObjectMeta {
  /** Unique for its kind and namespace. */
  readonly name: string;
  /** Absent for cluster-scoped kinds. */
  readonly namespace?: string;
  /** Differs between two objects that have the same name one after the other. */
  readonly uid?: string;
  /** Opaque version of the stored object. */
  readonly resourceVersion?: string;
  /** RFC 3339. */
  readonly creationTimestamp?: string;
  /** Only the labels this program reads. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Only those of `KEPT_ANNOTATIONS`. Before 0.7.0 only `endpoints.kubernetes.io/last-change-trigger-time`. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** When the object is to go: RFC 3339. Kept since 0.7.0, and not read. */
  readonly deletionTimestamp?: string;
  /** Only the name of the manager that wrote last. Kept since 0.7.0, and not read. */
  readonly managedFields?: readonly { readonly manager: string }[];
}

/** core/v1 ServicePort, as the API spells it. */
export interface ServicePortSpec {
  /** Its name. */
  readonly name?: string;
  /** "TCP", "UDP" or "SCTP"; absent means TCP. */
  readonly protocol?: string;
  /** 1 to 65535. */
  readonly port: number;
  /** Port on every node; absent or 0: none. */
  readonly nodePort?: number;
}

/** core/v1 Service. */
export interface Service {
  /** As in the API. */
  readonly kind: "Service";
  /** Its identity, and what the API keeps of every object. */
  readonly metadata: ObjectMeta;
  /** The desired state. */
  readonly spec: {
    readonly type?: string;
    readonly clusterIP?: string;
    readonly clusterIPs?: readonly string[];
    readonly ipFamilies?: readonly string[];
    readonly ports?: readonly ServicePortSpec[];
    readonly externalIPs?: readonly string[];
    readonly loadBalancerSourceRanges?: readonly string[];
    readonly externalTrafficPolicy?: string;
    readonly internalTrafficPolicy?: string;
    readonly sessionAffinity?: string;
    readonly sessionAffinityConfig?: { readonly clientIP?: { readonly timeoutSeconds?: number } };
    readonly healthCheckNodePort?: number;
    /** Which pods it selects. Kept since 0.7.0, and not read: slices name the endpoints. */
    readonly selector?: Readonly<Record<string, string>>;
  };
  /** The observed state. */
  readonly status?: {
    readonly loadBalancer?: {
      readonly ingress?: readonly {
        readonly ip?: string;
        readonly hostname?: string;
        readonly ipMode?: string;
      }[];
    };
  };
}

/** discovery.k8s.io/v1 Endpoint. Absent conditions: ready and serving mean true, terminating false. */
export interface SliceEndpoint {
  /** All of one family; only the first is used. */
  readonly addresses: readonly string[];
  /** Absent conditions have the defaults named above. */
  readonly conditions?: {
    readonly ready?: boolean;
    readonly serving?: boolean;
    readonly terminating?: boolean;
  };
  /** Node the pod runs on. */
  readonly nodeName?: string;
  /** The pod. Kept since 0.7.0, and not read. */
  readonly targetRef?: { readonly kind: string; readonly name: string };
  /** Where the endpoint should get its traffic from (KEP-2433). */
  readonly hints?: {
    readonly forZones?: readonly { readonly name: string }[];
    readonly forNodes?: readonly { readonly name: string }[];
  };
}

/** discovery.k8s.io/v1 EndpointSlice. */
export interface EndpointSlice {
  /** As in the API. */
  readonly kind: "EndpointSlice";
  /** Its identity, and what the API keeps of every object. */
  readonly metadata: ObjectMeta;
  /** "IPv4", "IPv6" or "FQDN". */
  readonly addressType: string;
  /** The endpoints, in no meaningful order. */
  readonly endpoints: readonly SliceEndpoint[];
  /** Ports that every endpoint of the slice has. */
  readonly ports: readonly { readonly name?: string; readonly protocol?: string; readonly port?: number }[];
}

/** core/v1 Node. */
export interface Node {
  /** As in the API. */
  readonly kind: "Node";
  /** Its identity, and what the API keeps of every object. */
  readonly metadata: ObjectMeta;
  /** The desired state. */
  readonly spec: {
    readonly podCIDRs?: readonly string[];
    readonly taints?: readonly { readonly key: string; readonly effect?: string }[];
  };
  /** The observed state. */
  readonly status: { readonly addresses?: readonly { readonly type: string; readonly address: string }[] };
}

/** networking.k8s.io/v1 ServiceCIDR. */
export interface ServiceCIDR {
  /** As in the API. */
  readonly kind: "ServiceCIDR";
  /** Its identity, and what the API keeps of every object. */
  readonly metadata: ObjectMeta;
  /** The desired state. */
  readonly spec: { readonly cidrs?: readonly string[] };
}

/** An object of any kind that is watched. */
export type KubeObject = Service | EndpointSlice | Node | ServiceCIDR;

/** A kind that is watched. */
export type ObjectKind = KubeObject["kind"];

/** The kinds in the order in which a list is folded: slices come first, so each Service is settled once. */
export const OBJECT_KINDS: readonly ObjectKind[] = ["Node", "ServiceCIDR", "EndpointSlice", "Service"];

/** Names one object. `namespace` is "" for cluster-scoped kinds. */
export interface ObjectKey {
  /** As in the API. */
  readonly kind: ObjectKind;
  /** Its namespace; "" for cluster-scoped kinds. */
  readonly namespace: string;
  /** Its name. */
  readonly name: string;
}

/** The present value of one object, as a source received it. */
export interface WatchEvent {
  /** Names the object. */
  readonly key: ObjectKey;
  /** The object, or null if it was deleted or never existed. */
  readonly value: KubeObject | null;
  /** Version of the object, or of the deletion; "" where the source has none (files). */
  readonly resourceVersion: string;
  /** When the source received it: RFC 3339 with milliseconds, UTC. */
  readonly time: string;
}

/** The key of `object`. */
export function objectKey(object: KubeObject): ObjectKey {
  return { kind: object.kind, name: object.metadata.name, namespace: object.metadata.namespace ?? "" };
}

/**
 * Notes a resourceVersion of `kind`, where it is newer than that in `newest`. Versions are numbers, as Kubernetes 1.35 promises
 * (KEP-5504); undefined, or another text: none.
 */
export function noteVersion(
  newest: Map<ObjectKind, number>,
  kind: ObjectKind,
  resourceVersion: string | undefined,
): void {
  const version = Number(resourceVersion ?? NaN);
  if (version > (newest.get(kind) ?? 0)) newest.set(kind, version);
}

/** Whether `described`, which {@link describeKey} made, names an object of `kind`. */
export function describesKind(described: string, kind: ObjectKey["kind"]): boolean {
  return described.startsWith(`${kind} `);
}

/** The key of the object of `kind` that `described` names, which {@link describeKey} made. */
export function readDescribed(described: string, kind: ObjectKind): ObjectKey {
  const named = described.slice(kind.length + 1);
  const slash = named.indexOf("/");
  return { kind, namespace: named.slice(0, Math.max(slash, 0)), name: named.slice(slash + 1) };
}

/** What {@link describeKey} makes of the key of Service `name`. */
export function describeService(name: ServiceName): string {
  return `Service ${name}`;
}

/** The namespace of the object that `described` names, which {@link describeKey} made; undefined where it has none. */
export function namespaceOfDescribed(described: string): string | undefined {
  const name = described.slice(described.indexOf(" ") + 1);
  const slash = name.indexOf("/");
  return slash < 0 ? undefined : name.slice(0, slash);
}

/** `Service shop/web`, `Node node-a`: names an object in messages, and is its key in maps. */
export function describeKey(key: ObjectKey): string {
  return key.namespace === "" ? `${key.kind} ${key.name}` : `${key.kind} ${key.namespace}/${key.name}`;
}
