// The fields that are read of Kubernetes' protobuf messages: their numbers, and how each is read. A message is read into the
// object that the same message is in JSON, with the fields of this table alone. A further field is one line. The numbers are
// those of generated.proto in k8s.io/apimachinery and k8s.io/api v0.37.2, in the folder that stands above each message.

import { KEPT_LABELS } from "../kube/decode_schemas.ts";
import { KEPT_ANNOTATIONS } from "../kube/evidence_fields.ts";
import { LIST_OBJECTS_MAX, OBJECT_LIST_MAX } from "../limits/input.ts";

/** How the value of a field is read. */
export type FieldType =
  | { readonly kind: "text" | "whole" | "flag" | "time" }
  /** The place of another message, which is read later: the fields beside it say what it is. */
  | { readonly kind: "bytes" }
  | { readonly kind: "message"; readonly message: WireMessage }
  /** A map of texts. With `keys` its other entries are skipped. */
  | { readonly kind: "map"; readonly keys: ReadonlySet<string> | undefined }
  /** Lists in an object. What follows the first `max` elements is skipped; the door for objects refuses lists so long. */
  | { readonly kind: "texts"; readonly max: number }
  | { readonly kind: "messages"; readonly message: WireMessage; readonly max: number }
  /** The objects of a list. More than `max` are an error. */
  | { readonly kind: "items"; readonly message: WireMessage; readonly max: number };

type Numbered = FieldType & {
  readonly number: number;
  /**
   * Whether JSON has the field where it is "" or 0. In protobuf a server writes every field that is no pointer in Go, in JSON
   * it leaves out those that are empty and tagged `omitempty`.
   */
  readonly keepsEmpty: boolean;
};

/** A field of a message. */
export type Field = Numbered & {
  readonly name: string;
  /** Whether it is a varint. All others have a length. */
  readonly isNumber: boolean;
};

/** The fields of a message by number. */
export type WireMessage = readonly (Field | undefined)[];

/** JSON leaves the field out where it is empty. */
const omitted = (number: number, type: FieldType): Numbered => ({ ...type, number, keepsEmpty: false });
/** JSON has the field where it is empty. */
const present = (number: number, type: FieldType): Numbered => ({ ...type, number, keepsEmpty: true });

const text = (number: number) => omitted(number, { kind: "text" });
const anyText = (number: number) => present(number, { kind: "text" });
const whole = (number: number) => omitted(number, { kind: "whole" });
const anyWhole = (number: number) => present(number, { kind: "whole" });
const flag = (number: number) => present(number, { kind: "flag" });
const time = (number: number) => omitted(number, { kind: "time" });
const bytes = (number: number) => present(number, { kind: "bytes" });
const map = (number: number, keys?: ReadonlySet<string>) => present(number, { kind: "map", keys });
const one = (number: number, message: WireMessage) => present(number, { kind: "message", message });
// The door for objects refuses a list that has one element more than it allows.
const max = OBJECT_LIST_MAX + 1;
const texts = (number: number) => present(number, { kind: "texts", max });
const many = (number: number, message: WireMessage) => present(number, { kind: "messages", message, max });

function message(fields: Readonly<Record<string, Numbered>>): WireMessage {
  const named: (Field | undefined)[] = [];
  for (const [name, field] of Object.entries(fields)) {
    named[field.number] = { ...field, name, isNumber: field.kind === "whole" || field.kind === "flag" };
  }
  // An array without holes is quicker to read.
  return Array.from(named);
}

// apimachinery/pkg/apis/meta/v1

/** The annotation of the bookmark that ends a streamed list. */
export const INITIAL_EVENTS_END = "k8s.io/initial-events-end";

const OBJECT_META = message({
  name: text(1),
  namespace: text(3),
  uid: text(5),
  resourceVersion: text(6),
  creationTimestamp: time(8),
  labels: map(11, new Set(KEPT_LABELS)),
  deletionTimestamp: time(9),
  annotations: map(12, new Set([...Object.keys(KEPT_ANNOTATIONS), INITIAL_EVENTS_END])),
  managedFields: many(17, message({ manager: text(1), time: time(4) })),
});

const METADATA_ONLY = message({ metadata: one(1, OBJECT_META) });

const LIST_META = message({ resourceVersion: text(2), continue: text(3), remainingItemCount: anyWhole(4) });

const STATUS = message({
  message: text(3),
  reason: text(4),
  details: one(5, message({ causes: many(4, message({ reason: text(1) })) })),
  code: whole(6),
});

/** A line of a watch. Its object is an envelope. */
export const WATCH_EVENT: WireMessage = message({
  type: text(1),
  object: one(2, message({ raw: bytes(1) })),
});

// apimachinery/pkg/runtime

/** What an object comes in: the message Unknown, whose `raw` is the object. */
export const ENVELOPE: WireMessage = message({
  typeMeta: one(1, message({ apiVersion: text(1), kind: text(2) })),
  raw: bytes(2),
  contentEncoding: text(3),
  contentType: text(4),
});

// api/core/v1

const SERVICE_PORT = message({ name: text(1), protocol: text(2), port: anyWhole(3), nodePort: whole(5) });

const INGRESS = message({ ip: text(1), hostname: text(2), ipMode: anyText(3) });

const SERVICE = message({
  metadata: one(1, OBJECT_META),
  spec: one(
    2,
    message({
      ports: many(1, SERVICE_PORT),
      selector: map(2),
      clusterIP: text(3),
      type: text(4),
      externalIPs: texts(5),
      sessionAffinity: text(7),
      loadBalancerSourceRanges: texts(9),
      externalTrafficPolicy: text(11),
      healthCheckNodePort: whole(12),
      sessionAffinityConfig: one(14, message({ clientIP: one(1, message({ timeoutSeconds: anyWhole(1) })) })),
      clusterIPs: texts(18),
      ipFamilies: texts(19),
      internalTrafficPolicy: anyText(22),
    }),
  ),
  status: one(3, message({ loadBalancer: one(1, message({ ingress: many(1, INGRESS) })) })),
});

const NODE = message({
  metadata: one(1, OBJECT_META),
  spec: one(
    2,
    message({ taints: many(5, message({ key: anyText(1), effect: anyText(3) })), podCIDRs: texts(7) }),
  ),
  status: one(3, message({ addresses: many(5, message({ type: anyText(1), address: anyText(2) })) })),
});

// api/discovery/v1

const NAMED = message({ name: anyText(1) });

const ENDPOINT = message({
  addresses: texts(1),
  conditions: one(2, message({ ready: flag(1), serving: flag(2), terminating: flag(3) })),
  targetRef: one(4, message({ kind: text(1), name: text(3) })),
  nodeName: anyText(6),
  hints: one(8, message({ forZones: many(1, NAMED), forNodes: many(2, NAMED) })),
});

const ENDPOINT_SLICE = message({
  metadata: one(1, OBJECT_META),
  endpoints: many(2, ENDPOINT),
  ports: many(3, message({ name: anyText(1), protocol: anyText(2), port: anyWhole(3) })),
  addressType: anyText(4),
});

// api/networking/v1

const SERVICE_CIDR = message({ metadata: one(1, OBJECT_META), spec: one(2, message({ cidrs: texts(1) })) });

/** How an object of one kind is read. */
export interface ObjectMessage {
  /** The apiVersion that the message belongs to; undefined: any. */
  readonly apiVersion: string | undefined;
  readonly message: WireMessage;
  readonly isList: boolean;
}

/** An object of `kind`, and a list of such objects. */
function watched(kind: string, apiVersion: string, object: WireMessage): [string, ObjectMessage][] {
  const items = present(2, { kind: "items", message: object, max: LIST_OBJECTS_MAX });
  const list = message({ metadata: one(1, LIST_META), items });
  return [
    [kind, { apiVersion, message: object, isList: false }],
    [`${kind}List`, { apiVersion, message: list, isList: true }],
  ];
}

/** The kinds that are read. Of an object of another kind nothing but its kind is read. A bookmark may have none. */
export const OBJECTS: ReadonlyMap<string, ObjectMessage> = new Map<string, ObjectMessage>([
  ...watched("Service", "v1", SERVICE),
  ...watched("Node", "v1", NODE),
  ...watched("EndpointSlice", "discovery.k8s.io/v1", ENDPOINT_SLICE),
  ...watched("ServiceCIDR", "networking.k8s.io/v1", SERVICE_CIDR),
  ["Status", { apiVersion: undefined, message: STATUS, isList: false }],
  ["PartialObjectMetadata", { apiVersion: undefined, message: METADATA_ONLY, isList: false }],
  ["", { apiVersion: undefined, message: METADATA_ONLY, isList: false }],
]);
