// The shapes of objects and configuration as the ledger stores them, in the form that decode.ts and the configuration file
// produce. A value that passed these checks is trusted to have its type.

import { parseAddress } from "./address.ts";
import {
  and,
  byTag,
  COUNT,
  fields,
  fieldsOfType,
  FLAG,
  listOf,
  mapOf,
  oneOf,
  PORT,
  type Shape,
  TEXT,
  that,
  WHOLE,
} from "./shape.ts";
import type { BurstBounds, NamespaceBounds, NodeBounds, ServiceBounds } from "./bounds.ts";
import {
  describeKey,
  type EndpointSlice,
  type KubeObject,
  type Node,
  OBJECT_KINDS,
  objectKey,
  type ObjectMeta,
  type Service,
  type ServiceCIDR,
  type ServicePortSpec,
  type SliceEndpoint,
  type WatchEvent,
} from "./objects.ts";
import type { ProxyConfig } from "./proxy_config.ts";
import { isServiceProxyName } from "./service_proxy_name.ts";

const texts = listOf(TEXT);
const named = listOf(fields({ name: TEXT }));
const protocol = oneOf("TCP", "UDP", "SCTP");
/** Any text. Names are escaped where they are printed. */
const name = TEXT;

const metadata = fieldsOfType<ObjectMeta>()({ name }, {
  namespace: TEXT,
  uid: TEXT,
  resourceVersion: TEXT,
  creationTimestamp: TEXT,
  labels: mapOf(TEXT),
  annotations: mapOf(TEXT),
  deletionTimestamp: TEXT,
  managedFields: listOf(fields({ manager: TEXT })),
});

const service = fieldsOfType<Omit<Service, "kind">>()({
  metadata,
  spec: fieldsOfType<Service["spec"]>()({}, {
    type: TEXT,
    clusterIP: TEXT,
    clusterIPs: texts,
    ipFamilies: texts,
    ports: listOf(
      fieldsOfType<ServicePortSpec>()({ port: PORT }, { name: TEXT, protocol, nodePort: PORT }),
    ),
    externalIPs: texts,
    loadBalancerSourceRanges: texts,
    externalTrafficPolicy: TEXT,
    internalTrafficPolicy: TEXT,
    sessionAffinity: TEXT,
    sessionAffinityConfig: fields({}, { clientIP: fields({}, { timeoutSeconds: COUNT }) }),
    healthCheckNodePort: PORT,
    selector: mapOf(TEXT),
  }),
}, {
  status: fields({}, {
    loadBalancer: fields({}, {
      ingress: listOf(fields({}, { ip: TEXT, hostname: TEXT, ipMode: TEXT })),
    }),
  }),
});

const endpointSlice = fieldsOfType<Omit<EndpointSlice, "kind">>()({
  metadata,
  addressType: TEXT,
  endpoints: listOf(
    fieldsOfType<SliceEndpoint>()({ addresses: texts }, {
      conditions: fields({}, { ready: FLAG, serving: FLAG, terminating: FLAG }),
      nodeName: TEXT,
      targetRef: fields({ kind: TEXT, name: TEXT }),
      hints: fields({}, { forZones: named, forNodes: named }),
    }),
  ),
  ports: listOf(fields({}, { name: TEXT, protocol, port: PORT })),
}, {});

const node = fieldsOfType<Omit<Node, "kind">>()({
  metadata,
  spec: fieldsOfType<Node["spec"]>()({}, {
    podCIDRs: texts,
    taints: listOf(fields({ key: TEXT }, { effect: TEXT })),
  }),
  status: fieldsOfType<Node["status"]>()({}, { addresses: listOf(fields({ type: TEXT, address: TEXT })) }),
}, {});

const serviceCidr = fieldsOfType<Omit<ServiceCIDR, "kind">>()({
  metadata,
  spec: fieldsOfType<ServiceCIDR["spec"]>()({}, { cidrs: texts }),
}, {});

/** A Kubernetes object as it is stored. */
export const STORED_OBJECT: Shape = byTag("kind", {
  Service: service,
  EndpointSlice: endpointSlice,
  Node: node,
  ServiceCIDR: serviceCidr,
});

/** An event: its value is null, or has the kind and name of its key. */
export const STORED_EVENT: Shape = and(
  fields({
    key: fields({ kind: oneOf(...OBJECT_KINDS), namespace: TEXT, name }),
    resourceVersion: TEXT,
    value: (value) => value === null ? undefined : STORED_OBJECT(value),
  }),
  (event) => {
    const { key, value } = event as WatchEvent;
    if (value === null || isNamed(value, key)) return undefined;
    return { field: ".value", reason: `${describeKey(objectKey(value))} is not ${describeKey(key)}` };
  },
);

function isNamed(value: KubeObject, { kind, namespace, name }: WatchEvent["key"]): boolean {
  const { metadata } = value;
  return value.kind === kind && metadata.name === name && (metadata.namespace ?? "") === namespace;
}

/** A ProxyConfig. */
export const STORED_CONFIG: Shape = fieldsOfType<ProxyConfig>()({
  masqueradeBit: that(
    "a bit of a mark",
    (bit) => typeof bit === "number" && Number.isInteger(bit) && bit >= 0 && bit < 32,
  ),
  masqueradeAll: FLAG,
  detectLocal: byTag("mode", {
    ClusterCIDR: fields({ cidrs: texts }),
    NodeCIDR: fields({}),
    BridgeInterface: fields({ name: TEXT }),
    InterfaceNamePrefix: fields({ prefix: TEXT }),
  }),
  nodePortAddresses: texts,
}, {
  bindAddress: that("an address", (text) => typeof text === "string" && parseAddress(text) !== undefined),
  serviceProxyName: that(
    "the name of a service proxy",
    (text) => typeof text === "string" && isServiceProxyName(text),
  ),
  countConnections: FLAG,
});

/** The offset of a record, or -1 for the place before the first. */
export const PLACE: Shape = and(
  WHOLE,
  that("a place in a ledger", (place) => typeof place === "number" && place >= -1),
);

const burst = fieldsOfType<BurstBounds>()({ small: COUNT, most: COUNT }, { first: COUNT });
const namespace = fieldsOfType<NamespaceBounds>()({ large: COUNT, most: COUNT }, {});
/** Bounds on what Services may cost, in a configuration record and in a snapshot. */
export const BOUNDS: Shape = fieldsOfType<ServiceBounds>()({ most: COUNT, large: COUNT, step: COUNT }, {
  burst,
  namespace,
  node: fieldsOfType<NodeBounds>()({ most: COUNT }, {}),
  takesTurns: FLAG,
  roundsTimeouts: FLAG,
  range: COUNT,
});
