// Which Services and addresses a record is about.

import type { EventRecord, LedgerRecord } from "./record.ts";

const SERVICE_LABEL = "kubernetes.io/service-name";

/** Services that an event can be about: of a slice that is deleted only its name is known, which begins with theirs. */
export function objectServices({ key: { kind, namespace, name }, value }: EventRecord): string[] {
  if (kind === "Service") return [`${namespace}/${name}`];
  if (kind !== "EndpointSlice") return [];
  const owner = value?.metadata.labels?.[SERVICE_LABEL];
  if (owner !== undefined) return [`${namespace}/${owner}`];
  const words = name.split("-");
  return words.slice(1).map((_, i) => `${namespace}/${words.slice(0, i + 1).join("-")}`);
}

/** The Service of a ServicePort: `shop/web` of the comment `shop/web:http`. */
export function serviceOfComment(comment: string): string {
  const colon = comment.indexOf(":");
  return colon < 0 ? comment : comment.slice(0, colon);
}

/** Whether a record is about `service`, as `namespace/name`. */
export function isAbout(record: LedgerRecord, service: string): boolean {
  if (record.kind === "commit") {
    return record.setAside === service ||
      record.changes.some(({ comment }) => comment !== undefined && serviceOfComment(comment) === service);
  }
  return record.kind === "event" && objectServices(record).includes(service);
}

/** Whether a record is about something in `namespace`. */
export function isIn(record: LedgerRecord, namespace: string): boolean {
  return record.kind === "event"
    ? record.key.namespace === namespace
    : record.kind === "commit" && record.changes.some(({ comment }) => comment?.startsWith(`${namespace}/`));
}

/** A function that says whether `address` stands in a record as a whole. */
export function mentions(address: string): (record: LedgerRecord) => boolean {
  const escaped = address.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const whole = new RegExp(`(?<![0-9a-fA-F.:])${escaped}(?![0-9a-fA-F.:])`);
  return (record) => whole.test(JSON.stringify(record));
}
