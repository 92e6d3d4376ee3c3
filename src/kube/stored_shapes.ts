// The shape of objects and configuration as the ledger stores them: what decode.ts and the configuration file make. Behind
// this door their types are trusted.

import { parseAddress } from "./address.ts";
import {
  and,
  byTag,
  COUNT,
  fields,
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
import { describeKey, type KubeObject, OBJECT_KINDS, objectKey, type WatchEvent } from "./objects.ts";

const texts = listOf(TEXT);
const named = listOf(fields({ name: TEXT }));
const protocol = oneOf("TCP", "UDP", "SCTP");
/** Whatever it says: names are made harmless where they are shown. */
const name = TEXT;

const metadata = fields({ name }, {
  namespace: TEXT,
  uid: TEXT,
  resourceVersion: TEXT,
  creationTimestamp: TEXT,
  labels: mapOf(TEXT),
  annotations: mapOf(TEXT),
});

const service = fields({
  metadata,
  spec: fields({}, {
    type: TEXT,
    clusterIP: TEXT,
    clusterIPs: texts,
    ipFamilies: texts,
    ports: listOf(fields({ port: PORT }, { name: TEXT, protocol, nodePort: PORT })),
    externalIPs: texts,
    loadBalancerSourceRanges: texts,
    externalTrafficPolicy: TEXT,
    internalTrafficPolicy: TEXT,
    sessionAffinity: TEXT,
    sessionAffinityConfig: fields({}, { clientIP: fields({}, { timeoutSeconds: COUNT }) }),
    healthCheckNodePort: PORT,
  }),
}, {
  status: fields({}, {
    loadBalancer: fields({}, {
      ingress: listOf(fields({}, { ip: TEXT, hostname: TEXT, ipMode: TEXT })),
    }),
  }),
});

const endpointSlice = fields({
  metadata,
  addressType: TEXT,
  endpoints: listOf(fields({ addresses: texts }, {
    conditions: fields({}, { ready: FLAG, serving: FLAG, terminating: FLAG }),
    nodeName: TEXT,
    hints: fields({}, { forZones: named, forNodes: named }),
  })),
  ports: listOf(fields({}, { name: TEXT, protocol, port: PORT })),
});

const node = fields({
  metadata,
  spec: fields({}, { podCIDRs: texts, taints: listOf(fields({ key: TEXT }, { effect: TEXT })) }),
  status: fields({}, { addresses: listOf(fields({ type: TEXT, address: TEXT })) }),
});

const serviceCidr = fields({ metadata, spec: fields({}, { cidrs: texts }) });

/** A Kubernetes object as it is stored. */
export const STORED_OBJECT: Shape = byTag("kind", {
  Service: service,
  EndpointSlice: endpointSlice,
  Node: node,
  ServiceCIDR: serviceCidr,
});

/** What a source said about one object: of the kind and name that it is about, or null. */
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

/** What decides where packets go. */
export const STORED_CONFIG: Shape = fields({
  masqueradeBit: that(
    "a bit of a mark",
    (bit) => Number.isInteger(bit) && bit as number >= 0 && bit as number < 32,
  ),
  masqueradeAll: FLAG,
  detectLocal: byTag("mode", {
    ClusterCIDR: fields({ cidrs: texts }),
    NodeCIDR: fields({}),
    BridgeInterface: fields({ name: TEXT }),
    InterfaceNamePrefix: fields({ prefix: TEXT }),
  }),
  nodePortAddresses: texts,
}, { bindAddress: that("an address", (text) => typeof text === "string" && parseAddress(text) !== null) });

/** An offset of a record, or -1 before the first. */
export const PLACE: Shape = and(WHOLE, that("a place in a ledger", (place) => place as number >= -1));
