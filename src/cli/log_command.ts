// `ledgerproxy log [SERVICE]`: what happened, newest first: records, and what each commit made of them.

import { readLedger } from "../ledger/reader.ts";
import type { LedgerRecord } from "../ledger/record.ts";
import { changeLine, localTime } from "./history_text.ts";
import { describeRecord, existingLedger, type Placed } from "./ledger_history.ts";
import { printable } from "./printable.ts";
import { UsageError } from "./usage_error.ts";

/** Flags of `log`. */
export interface LogOptions {
  readonly ledger: string;
  readonly namespace?: string;
  /** An address, of an endpoint or a frontend. */
  readonly address?: string;
  /** RFC 3339. */
  readonly since?: string;
  readonly until?: string;
  readonly kind?: LedgerRecord["kind"];
  readonly limit?: number;
  readonly json?: boolean;
}

const LIMIT = 50;

/** Prints records that match, newest first; returns the exit code. */
export function logCommand(service: string | undefined, options: LogOptions): number {
  const storage = existingLedger(options.ledger);
  const matches = filter(service, options);
  const limit = options.limit ?? LIMIT;
  const kept: Placed[] = [];
  let count = 0;
  for (const placed of readLedger(storage)) {
    if (!matches(placed.record)) continue;
    count++;
    kept.push(placed);
    // Only the newest are shown, so no more are kept.
    if (kept.length > limit) kept.shift();
  }
  for (const placed of kept.reverse()) {
    console.log(
      options.json ? JSON.stringify({ offset: placed.offset, ...placed.record }) : text(placed, service),
    );
  }
  if (count > kept.length) {
    console.error(`${count - kept.length} older records match too: --limit ${count} shows all`);
  }
  return 0;
}

function text({ offset, record }: Placed, service: string | undefined): string {
  const head = `@${offset}  ${localTime(record.time)}  `;
  switch (record.kind) {
    case "commit": {
      const { outcome, operations, microseconds, error, from, through, changesOmitted } = record;
      const what = outcome === "committed"
        ? `commit of @${from} to @${through}: ${operations} operations, ${microseconds} us`
        : `rejected: ${error}`;
      const shown = record.changes.filter((change) =>
        service === undefined || concerns(change.comment, service)
      );
      const more = changesOmitted > 0 ? [`    and ${changesOmitted} changes more`] : [];
      return printable(
        [`${head}${what}`, ...shown.map((change) => `    ${changeLine(change)}`), ...more].join("\n"),
      );
    }
    case "drift":
      return printable(
        `${head}drift: ${record.process || "somebody"} (process ${record.pid}): ${
          record.changes.join(", ")
        }; ${record.response}`,
      );
    case "gap":
      return printable(`${head}gap of ${record.records} records: ${record.reason}`);
    default:
      return printable(`${head}${describeRecord(record)}`);
  }
}

function filter(service: string | undefined, options: LogOptions): (record: LedgerRecord) => boolean {
  const [since, until] = [moment("--since", options.since), moment("--until", options.until)];
  return (record) => {
    const time = Date.parse(record.time);
    return !(time < (since ?? -Infinity) || time > (until ?? Infinity)) &&
      (options.kind === undefined || record.kind === options.kind) &&
      (service === undefined || isAbout(record, service)) &&
      (options.namespace === undefined || isIn(record, options.namespace)) &&
      (options.address === undefined || mentions(record, options.address));
  };
}

function moment(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const time = Date.parse(text);
  if (Number.isNaN(time)) {
    throw new UsageError(`${flag} ${text}: it must be a time, such as 2026-11-23T03:12:00Z`);
  }
  return time;
}

function isAbout(record: LedgerRecord, service: string): boolean {
  if (record.kind === "commit") return record.changes.some(({ comment }) => concerns(comment, service));
  if (record.kind !== "event") return false;
  const { kind, namespace, name } = record.key;
  if (kind === "Service") return `${namespace}/${name}` === service;
  const owner = record.value?.metadata.labels?.["kubernetes.io/service-name"];
  // A slice that is deleted has nothing but its name, which begins with that of its Service.
  return kind === "EndpointSlice" &&
    (owner === undefined
      ? `${namespace}/${name}`.startsWith(`${service}-`)
      : `${namespace}/${owner}` === service);
}

/** Whether the comment of an element, `shop/web:http`, names a port of `service`. */
function concerns(comment: string | undefined, service: string): boolean {
  return comment === service || comment?.startsWith(`${service}:`) === true;
}

function isIn(record: LedgerRecord, namespace: string): boolean {
  return record.kind === "event"
    ? record.key.namespace === namespace
    : record.kind === "commit" && record.changes.some(({ comment }) => comment?.startsWith(`${namespace}/`));
}

/** Whether `address` stands in the record as a whole. */
function mentions(record: LedgerRecord, address: string): boolean {
  const escaped = address.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`(?<![0-9a-fA-F.:])${escaped}(?![0-9a-fA-F.:])`).test(JSON.stringify(record));
}
