// Searches a ledger for the records that concern a Service, a namespace, an address, a kind or a time, newest first.

import { serviceOfComment, servicesOfEvent } from "../kube/named_services.ts";
import { namespaceOf } from "../kube/service_name.ts";
import type { Search } from "../ledger/terms.ts";
import type { Placed } from "../ledger/reader.ts";
import type { LedgerRecord } from "../ledger/record.ts";
import { NotRecorded, type Past } from "./past.ts";

/**
 * The records of `past` that match `search`, from the one at `through` back, newest first. An empty search matches all records. Throws
 * NotRecorded behind the last one where the newest records are missing, so that no search takes what is left for all.
 */
export function* recordsAbout(past: Past, search: Search = {}, through = Infinity): Generator<Placed> {
  const matches = matcher(search);
  for (const placed of past.newestFirst(search, through)) if (matches(placed.record)) yield placed;
  const cut = past.cut();
  if (cut !== undefined) throw new NotRecorded(cut.text);
}

/** A function that returns whether a record matches `search`. A record without a readable time matches any time. */
export function matcher(search: Search): (record: LedgerRecord) => boolean {
  const { kind, service, namespace, since = -Infinity, until = Infinity } = search;
  const names = search.address === undefined ? undefined : mentionsAddress(search.address);
  return (record) => {
    const time = Date.parse(record.time);
    return !(time < since || time > until) &&
      (kind === undefined || record.kind === kind) &&
      (service === undefined || isAbout(record, service)) &&
      (namespace === undefined || isIn(record, namespace)) &&
      (names === undefined || names(record));
  };
}

/** Whether the comment of an element, `shop/web:http`, names a port of `service`. */
export function isPortOf(comment: string | undefined, service: string): boolean {
  return comment !== undefined && serviceOfComment(comment) === service;
}

function isAbout(record: LedgerRecord, service: string): boolean {
  if (record.kind === "commit") {
    return record.setAside === service || record.changes.some(({ comment }) => isPortOf(comment, service));
  }
  return record.kind === "event" && servicesOfEvent(record).includes(service);
}

function isIn(record: LedgerRecord, namespace: string): boolean {
  if (record.kind === "event") return record.key.namespace === namespace;
  return record.kind === "commit" &&
    record.changes.some(({ comment }) =>
      comment !== undefined && namespaceOf(serviceOfComment(comment)) === namespace
    );
}

/** Searches the record's JSON, because an address may be part of an object, a key, a value or a rule. */
function mentionsAddress(address: string): (record: LedgerRecord) => boolean {
  const escaped = address.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const whole = new RegExp(`(?<![0-9a-fA-F.:])${escaped}(?![0-9a-fA-F.:])`);
  return (record) => whole.test(JSON.stringify(record));
}
