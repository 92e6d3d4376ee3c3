// The Kubernetes objects we read, pruned to the fields that decide rules, in the API's own shape and names. This is
// also what the ledger stores: no managedFields, no annotations but the trigger time, no secrets.

/** Annotation of an EndpointSlice: when the change of pods or Service began that it tells of, RFC 3339. */
export const TRIGGER = "endpoints.kubernetes.io/last-change-trigger-time";

/** Metadata kept of every object. `namespace` is absent for cluster-scoped kinds. */
export interface ObjectMeta {
  /** Its name. */
  readonly name: string;
  /** Its namespace; "" for cluster-scoped kinds. */
  readonly namespace?: string;
  /** Unique over time, also when a name is used again. */
  readonly uid?: string;
  /** Opaque version of the stored object. */
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
  /** Discriminates the union. */
  readonly kind: "Service";
  /** Who it is. */
  readonly metadata: ObjectMeta;
  /** What is wanted. */
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
  /** What is observed. */
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
  /** Where the endpoint should get its traffic from (KEP-2433). */
  readonly hints?: {
    readonly forZones?: readonly { readonly name: string }[];
    readonly forNodes?: readonly { readonly name: string }[];
  };
}

/** discovery.k8s.io/v1 EndpointSlice. */
export interface EndpointSlice {
  /** Discriminates the union. */
  readonly kind: "EndpointSlice";
  /** Who it is. */
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
  /** Discriminates the union. */
  readonly kind: "Node";
  /** Who it is. */
  readonly metadata: ObjectMeta;
  /** What is wanted. */
  readonly spec: {
    readonly podCIDRs?: readonly string[];
    readonly taints?: readonly { readonly key: string; readonly effect?: string }[];
  };
  /** What is observed. */
  readonly status: { readonly addresses?: readonly { readonly type: string; readonly address: string }[] };
}

/** networking.k8s.io/v1 ServiceCIDR. */
export interface ServiceCIDR {
  /** Discriminates the union. */
  readonly kind: "ServiceCIDR";
  /** Who it is. */
  readonly metadata: ObjectMeta;
  /** What is wanted. */
  readonly spec: { readonly cidrs?: readonly string[] };
}

/** Any object we watch. */
export type KubeObject = Service | EndpointSlice | Node | ServiceCIDR;

/** Kind of an object we watch. */
export type ObjectKind = KubeObject["kind"];

/** The kinds we watch, in the order in which they are folded: a Service is settled once, when what it needs is there. */
export const OBJECT_KINDS: readonly ObjectKind[] = ["Node", "ServiceCIDR", "EndpointSlice", "Service"];

/** Names one object. `namespace` is "" for cluster-scoped kinds. */
export interface ObjectKey {
  /** Discriminates the union. */
  readonly kind: ObjectKind;
  /** Its namespace; "" for cluster-scoped kinds. */
  readonly namespace: string;
  /** Its name. */
  readonly name: string;
}

/** What a source says about one object: its value, or null when it does not exist (any more). */
export interface WatchEvent {
  /** Names the object. */
  readonly key: ObjectKey;
  /** The object, or null when it does not exist. */
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

/** `Service shop/web`, `Node node-a`: an object's name for people, and a map key. */
export function describeKey(key: ObjectKey): string {
  return key.namespace === "" ? `${key.kind} ${key.name}` : `${key.kind} ${key.namespace}/${key.name}`;
}
