// Joins the users in an audit log of the API server to the events of a ledger: an event and a request are about the same write where
// they have the same object and version. A deletion that was answered without a version is found by the uid of the object.

import { describeKey } from "../kube/objects.ts";
import type { AuditedWrite } from "../ingest/audit_log.ts";
import type { Placed } from "../ledger/reader.ts";
import type { ApiWriter } from "../ledger/writers_file.ts";
import { CLOCKS_APART_MILLISECONDS_MAX } from "../limits/ledger.ts";

/** The writers of the events among `records`, by offset, as far as `writes` has them. */
export function joinedWriters(
  records: Iterable<Placed>,
  writes: Iterable<AuditedWrite>,
): ReadonlyMap<number, ApiWriter> {
  const known = firstWrites(writes);
  const joined = new Map<number, ApiWriter>();
  const uids = new Map<string, string | undefined>();
  for (const { offset, record } of records) {
    if (record.kind !== "event") continue;
    const { key, value, resourceVersion, time } = record;
    const name = describeKey(key);
    const isDeletion = value === null;
    const uid = isDeletion ? uids.get(name) : value.metadata.uid;
    uids.set(name, uid);
    const places = [versionOf(name, isDeletion, resourceVersion), isDeletion ? uidOf(name, uid) : ""];
    const write = places.map((place) => known.get(place)).find((found) => found !== undefined);
    if (write !== undefined && isBefore(write, time)) joined.set(offset, writerOf(write));
  }
  return joined;
}

/** The first write of each version: a later request that changed nothing was answered with the same version. */
function firstWrites(writes: Iterable<AuditedWrite>): ReadonlyMap<string, AuditedWrite> {
  const first = new Map<string, AuditedWrite>();
  for (const write of writes) {
    const { key, isDeletion, resourceVersion, uid, time } = write;
    const name = describeKey(key);
    const place = isDeletion && resourceVersion === ""
      ? uidOf(name, uid)
      : versionOf(name, isDeletion, resourceVersion);
    const other = first.get(place);
    if (place === "") continue;
    if (other === undefined || Date.parse(time) < Date.parse(other.time)) first.set(place, write);
  }
  return first;
}

/** Where a write of a version is kept; "" where there is no version. */
function versionOf(name: string, isDeletion: boolean, resourceVersion: string): string {
  return resourceVersion === "" ? "" : `${name} ${isDeletion ? "gone" : "there"} ${resourceVersion}`;
}

function uidOf(name: string, uid: string | undefined): string {
  return uid === undefined || uid === "" ? "" : `${name} uid ${uid}`;
}

/** Whether the request can have made the event: it came before, as far as two clocks can say. A log may begin after the write. */
function isBefore({ received, time }: AuditedWrite, event: string): boolean {
  return Date.parse(received || time) <= Date.parse(event) + CLOCKS_APART_MILLISECONDS_MAX;
}

function writerOf({ user, userAgent, source, verb, time, auditId }: AuditedWrite): ApiWriter {
  return { user, userAgent, source, verb, time, auditId };
}
