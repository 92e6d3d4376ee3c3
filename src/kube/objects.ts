// The Kubernetes objects we read, pruned to the fields that decide rules, in the API's own shape and names. This is
// also what the ledger stores: no managedFields, no annotations but the trigger time, no secrets.

/** Metadata kept of every object. `namespace` is absent for cluster-scoped kinds. */
export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  /** RFC 3339. */
  readonly creationTimestamp?: string;
  /** Only the labels this program reads. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Only `endpoints.kubernetes.io/last-change-trigger-time`. */
  readonly annotations?: Readonly<Record<string, string>>;
}

/** core/v1 ServicePort, as the API spells it. */
export interface ServicePortSpec {
  readonly name?: string;
  readonly protocol?: string;
  readonly port: number;
  readonly nodePort?: number;
}

/** core/v1 Service. */
export interface Service {
  readonly kind: "Service";
  readonly metadata: ObjectMeta;
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
  };
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
  readonly addresses: readonly string[];
  readonly conditions?: {
    readonly ready?: boolean;
    readonly serving?: boolean;
    readonly terminating?: boolean;
  };
  readonly nodeName?: string;
  readonly hints?: {
    readonly forZones?: readonly { readonly name: string }[];
    readonly forNodes?: readonly { readonly name: string }[];
  };
}

/** discovery.k8s.io/v1 EndpointSlice. */
export interface EndpointSlice {
  readonly kind: "EndpointSlice";
  readonly metadata: ObjectMeta;
  readonly addressType: string;
  readonly endpoints: readonly SliceEndpoint[];
  readonly ports: readonly { readonly name?: string; readonly protocol?: string; readonly port?: number }[];
}

/** core/v1 Node. */
export interface Node {
  readonly kind: "Node";
  readonly metadata: ObjectMeta;
  readonly spec: {
    readonly podCIDRs?: readonly string[];
    readonly taints?: readonly { readonly key: string; readonly effect?: string }[];
  };
  readonly status: { readonly addresses?: readonly { readonly type: string; readonly address: string }[] };
}

/** networking.k8s.io/v1 ServiceCIDR. */
export interface ServiceCIDR {
  readonly kind: "ServiceCIDR";
  readonly metadata: ObjectMeta;
  readonly spec: { readonly cidrs?: readonly string[] };
}

/** Any object we watch. */
export type KubeObject = Service | EndpointSlice | Node | ServiceCIDR;

/** The kinds we watch, in the order in which lists are taken. */
export const OBJECT_KINDS = ["Service", "EndpointSlice", "Node", "ServiceCIDR"] as const;
export type ObjectKind = (typeof OBJECT_KINDS)[number];

/** Names one object. `namespace` is "" for cluster-scoped kinds. */
export interface ObjectKey {
  readonly kind: ObjectKind;
  readonly namespace: string;
  readonly name: string;
}

/** What a source says about one object: its value, or null when it does not exist (any more). */
export interface WatchEvent {
  readonly key: ObjectKey;
  readonly value: KubeObject | null;
  /** Version of the object, or of the deletion; "" where the source has none (files). */
  readonly resourceVersion: string;
  /** When the source received it: RFC 3339 with milliseconds, UTC. */
  readonly time: string;
}

/** The key of `object`. */
export function objectKey(object: KubeObject): ObjectKey {
  return { kind: object.kind, namespace: object.metadata.namespace ?? "", name: object.metadata.name };
}

/** `Service shop/web`, `Node node-a`: an object's name for people, and a map key. */
export function describeKey(key: ObjectKey): string {
  return key.namespace === "" ? `${key.kind} ${key.name}` : `${key.kind} ${key.namespace}/${key.name}`;
}
