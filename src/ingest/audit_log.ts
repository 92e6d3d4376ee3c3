// Reads the audit log of an API server (audit.k8s.io/v1, lines of JSON, or EventLists of a webhook): who wrote which version of an
// object when. The response of a request that succeeded is the object as it was stored; only level RequestResponse has it.

import { fieldsOf, isJsonObject } from "../kube/json_value.ts";
import type { ObjectKey, ObjectKind } from "../kube/objects.ts";
import { quoted } from "../kube/quoted.ts";
import { jsonValues } from "./json_values.ts";
import { Recorder, type RecordingContent } from "./recorded_events.ts";

/** The resources whose kinds are watched, with their groups. */
const KINDS: Readonly<Record<string, ObjectKind>> = {
  "/services": "Service",
  "/nodes": "Node",
  "discovery.k8s.io/endpointslices": "EndpointSlice",
  "networking.k8s.io/servicecidrs": "ServiceCIDR",
};
const WRITES = ["create", "update", "patch", "delete", "deletecollection"];

/** One object that a request wrote or deleted. */
export interface AuditedWrite {
  /** Where the event is in the log. */
  readonly line: number;
  readonly key: ObjectKey;
  /** The object as it was stored, or as it was when it was deleted; undefined where the answer does not have it. */
  readonly object: unknown;
  readonly isDeletion: boolean;
  /** Of the object, or of its deletion; "" where the answer has none. */
  readonly resourceVersion: string;
  readonly uid: string;
  /** When the API server had answered, RFC 3339. */
  readonly time: string;
  /** When the request came, RFC 3339. */
  readonly received: string;
  readonly verb: string;
  /** With the user that it acted as, if any: `system:admin (as alice)`. */
  readonly user: string;
  readonly userAgent: string;
  /** The addresses that the request came from, with commas. */
  readonly source: string;
  readonly auditId: string;
}

/** Whether `value` is an event of an audit log, or a list of them. */
export function isAuditEvent(value: unknown): boolean {
  const { apiVersion, kind } = fieldsOf(value);
  return typeof apiVersion === "string" && apiVersion.startsWith("audit.k8s.io/") &&
    (kind === "Event" || kind === "EventList");
}

/** The events in the audit log `text`. */
export function readAuditLog(text: string): RecordingContent {
  const recorder = new Recorder();
  for (const write of auditedWrites(text, (line, problem) => recorder.report(line, problem))) {
    const { line, key, isDeletion, resourceVersion, time } = write;
    if (write.object === undefined) {
      recorder.addEvent({ key, value: null, resourceVersion, time: new Date(time).toISOString() });
      continue;
    }
    const object = recorder.decoded(line, write.object);
    if (object !== undefined) recorder.add(object, isDeletion, Date.parse(time));
  }
  return recorder.recorded("objects that were not written while the audit log was kept are not in it");
}

/** The writes in the audit log `text` that succeeded, in its order. */
export function* auditedWrites(
  text: string,
  report: (line: number, problem: string) => void,
): Generator<AuditedWrite> {
  for (const found of jsonValues(text)) {
    const { line } = found;
    if ("problem" in found) {
      report(line, found.problem);
      continue;
    }
    const { kind, items } = fieldsOf(found.value);
    if (!isAuditEvent(found.value)) {
      report(line, `kind ${quoted(kind, "missing")} is no event of audit.k8s.io`);
      continue;
    }
    for (const event of kind === "EventList" && Array.isArray(items) ? items : [found.value]) {
      const writes = writesOf(line, fieldsOf(event));
      if (typeof writes === "string") report(line, writes);
      else yield* writes;
    }
  }
}

type Fields = Readonly<Record<string, unknown>>;

/** What the request of `event` wrote; nothing where it wrote nothing that is watched. A text: why that is not known. */
function writesOf(line: number, event: Fields): readonly AuditedWrite[] | string {
  const { verb, stage, level, objectRef, responseStatus, responseObject, stageTimestamp } = event;
  const { apiGroup = "", resource, subresource = "", namespace, name } = fieldsOf(objectRef);
  const kind = KINDS[`${apiGroup}/${resource}`];
  const { code } = fieldsOf(responseStatus);
  const hasWritten = stage === "ResponseComplete" && typeof code === "number" && code >= 200 && code < 300;
  if (kind === undefined || !hasWritten || isDryRun(event) || typeof verb !== "string") return [];
  if (!WRITES.includes(verb) || (subresource !== "" && subresource !== "status")) return [];
  const named = `${verb} of ${kind} ${[namespace, name].filter((part) => part !== undefined).join("/")}`;
  if (!isJsonObject(responseObject)) {
    return `${named}: level ${quoted(level)} leaves out what was written; ` +
      `the audit policy needs level RequestResponse for ${resource}`;
  }
  if (typeof stageTimestamp !== "string" || Number.isNaN(Date.parse(stageTimestamp))) {
    return `${named}: stageTimestamp ${quoted(stageTimestamp, "missing")} is not RFC 3339`;
  }
  const by = {
    ...{ line, verb, time: stageTimestamp, received: text(event["requestReceivedTimestamp"]) },
    ...{ user: userText(event), userAgent: text(event["userAgent"]) },
    ...{ source: texts(event["sourceIPs"]).join(","), auditId: text(event["auditID"]) },
  };
  if (responseObject["kind"] === "Status") {
    if (verb !== "delete" || typeof name !== "string") return [];
    const uid = text(fieldsOf(responseObject["details"])["uid"]);
    const key = { kind, namespace: text(namespace), name };
    return [{ ...by, key, object: undefined, isDeletion: true, resourceVersion: "", uid }];
  }
  const { items, apiVersion } = responseObject;
  const objects = Array.isArray(items)
    ? items.map((item) => ({ apiVersion, ...fieldsOf(item), kind }))
    : [responseObject];
  return objects.flatMap((object) => {
    const metadata = fieldsOf(fieldsOf(object)["metadata"]);
    if (typeof metadata["name"] !== "string") return [];
    const key = { kind, namespace: text(metadata["namespace"]), name: metadata["name"] };
    const version = { resourceVersion: text(metadata["resourceVersion"]), uid: text(metadata["uid"]) };
    return [{ ...by, key, object, isDeletion: isGone(verb, metadata), ...version }];
  });
}

/** Whether the object is gone after the request. One with finalizers stays until the last of them is removed. */
function isGone(verb: string, { finalizers, deletionTimestamp }: Fields): boolean {
  const isDeleted = verb.startsWith("delete") || typeof deletionTimestamp === "string";
  return isDeleted && !(Array.isArray(finalizers) && finalizers.length > 0);
}

/** Whether the request asked only what would be: its answer was not stored. */
function isDryRun({ requestURI, requestObject }: Fields): boolean {
  const inAddress = typeof requestURI === "string" && /[?&]dryRun=/.test(requestURI);
  return inAddress || texts(fieldsOf(requestObject)["dryRun"]).length > 0;
}

function userText({ user, impersonatedUser }: Fields): string {
  const as = text(fieldsOf(impersonatedUser)["username"]);
  return `${text(fieldsOf(user)["username"])}${as === "" ? "" : ` (as ${as})`}`;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}
