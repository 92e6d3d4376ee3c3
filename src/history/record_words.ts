// Records and changes as text. The caller says how to write times, because a time zone belongs to the reader.

import { countText } from "../count_text.ts";
import { describeKey } from "../kube/objects.ts";
import type { CommitRecord, CommittedChange, DriftRecord, LedgerRecord } from "../ledger/record.ts";
import type { ApiWriter } from "../ledger/writers_file.ts";

/** Writes an RFC 3339 time in the reader's zone: `2026-11-23 03:12:00.123 +01:00`. */
export type TimeText = (time: string) => string;

/** `Service shop/web`, `EndpointSlice shop/web-a (deleted)`, `config`. */
export function describeRecord(record: LedgerRecord): string {
  if (record.kind !== "event") return record.kind;
  return `${describeKey(record.key)}${record.value === null ? " (deleted)" : ""}`;
}

/**
 * As {@link describeRecord}, with what an event says about who changed the object: `Service shop/web  by kubectl-edit`. A drift has what
 * was changed, a gap its reason.
 */
export function recordText(record: LedgerRecord): string {
  if (record.kind === "drift") return `drift: ${driftText(record)}`;
  // A fault is written as a gap of no records (src/node/faults.ts): no record is missing.
  if (record.kind === "gap") {
    return `${record.records === 0 ? "" : `gap of ${countText(record.records, "record")}: `}${record.reason}`;
  }
  const { managedFields, deletionTimestamp } = (record.kind === "event" && record.value?.metadata) || {};
  const [writer] = managedFields ?? [];
  const by = writer === undefined ? "" : `  by ${writer.manager}`;
  const going = deletionTimestamp === undefined ? "" : `  to be deleted since ${deletionTimestamp}`;
  return `${describeRecord(record)}${by}${going}`;
}

/** `alice with kubectl/v1.37.2 from 10.0.0.7`: who wrote an object, by an audit log. */
export function writerText({ user, userAgent, source }: ApiWriter): string {
  const [program = ""] = userAgent.split(" ");
  return `${user}${program === "" ? "" : ` with ${program}`}${source === "" ? "" : ` from ${source}`}`;
}

/** `@10 to @12`: the records that a commit folded. One that brings what a step made may fold none. */
export function foldedText({ from, through }: Pick<CommitRecord, "from" | "through">): string {
  return through < from ? "no further record" : `@${from} to @${through}`;
}

/** `+ ip ledgerproxy endpoints { 10.96.0.1 . tcp . 80 . 0 : 10.244.0.1 . 8080 }  shop/web:http  by @12`. */
export function changeText({ verb, set, key, value, comment, cause }: CommittedChange): string {
  const data = value === undefined ? "" : ` : ${value}`;
  const name = comment === undefined ? "" : `  ${comment}`;
  return `${verb === "add" ? "+" : "-"} ${set} { ${key}${data} }${name}  by @${cause}`;
}

/** `nft (process 4711): delete table ip ledgerproxy; the rules are put back`. The kernel does not always name the program. */
export function driftText({ process, pid, changes, response }: DriftRecord): string {
  return `${process || "an unknown program"} (process ${pid}): ${changes.join(", ")}; ${response}`;
}
