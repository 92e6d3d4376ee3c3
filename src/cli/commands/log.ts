// `ledgerproxy log [SERVICE]`: what happened, newest first: records, and what each commit made of them.

import { printLines } from "../terminal.ts";
import { printJson } from "../json_schema.ts";
import { isAbout, isIn, mentions, serviceOfComment } from "../../ledger/mentions.ts";
import { type Placed, readBackward } from "../../ledger/reader.ts";
import type { LedgerRecord } from "../../ledger/record.ts";
import type { Storage } from "../../ledger/storage.ts";
import { segmentTerms } from "../../ledger/terms.ts";
import { changeLine, localTime } from "../history_text.ts";
import { describeRecord, existingLedger } from "../ledger_history.ts";
import { log } from "../../node/log.ts";
import { progress } from "../../node/progress.ts";
import { UsageError } from "../../node/usage_error.ts";

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
  let count = 0;
  for (const placed of readBackward(storage, canHold(storage, service, options))) {
    if (!matches(placed.record)) continue;
    if (++count > limit) {
      log.info(`older records match too: --limit ${limit * 10} shows more`);
      break;
    }
    if (options.json) printJson("log/1", placed);
    else printLines(text(placed, service));
  }
  return 0;
}

/** Which closed segments can hold what is looked for. */
function canHold(
  storage: Storage,
  service: string | undefined,
  { namespace, address, kind, since, until }: LogOptions,
): (segment: string) => boolean {
  const wanted = [
    ...(service === undefined ? [] : [`Service ${service}`]),
    ...(namespace === undefined ? [] : [`namespace ${namespace}`]),
    ...(address === undefined ? [] : [`address ${address}`]),
    ...(kind === undefined ? [] : [`kind ${kind}`]),
  ];
  const [earliest, latest] = [moment("--since", since) ?? -Infinity, moment("--until", until) ?? Infinity];
  if (wanted.length === 0 && since === undefined && until === undefined) return () => true;
  const told = progress("segments searched");
  let searched = 0;
  return (segment) => {
    told(++searched);
    const { terms, begins, ends } = segmentTerms(storage, segment);
    return begins <= latest && ends >= earliest && wanted.every((term) => terms.has(term));
  };
}

function text({ offset, record }: Placed, service: string | undefined): string[] {
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
      return [`${head}${what}`, ...shown.map((change) => `    ${changeLine(change)}`), ...more];
    }
    case "drift":
      return [
        `${head}drift: ${record.process || "somebody"} (process ${record.pid}): ${
          record.changes.join(", ")
        }; ${record.response}`,
      ];
    case "gap":
      // A fault of the program is a gap of no records.
      return [`${head}${record.records === 0 ? "" : `gap of ${record.records} records: `}${record.reason}`];
    default:
      return [`${head}${describeRecord(record)}`];
  }
}

function filter(service: string | undefined, options: LogOptions): (record: LedgerRecord) => boolean {
  const named = options.address === undefined ? undefined : mentions(options.address);
  const [since, until] = [moment("--since", options.since), moment("--until", options.until)];
  return (record) => {
    const time = Date.parse(record.time);
    return !(time < (since ?? -Infinity) || time > (until ?? Infinity)) &&
      (options.kind === undefined || record.kind === options.kind) &&
      (service === undefined || isAbout(record, service)) &&
      (options.namespace === undefined || isIn(record, options.namespace)) &&
      (named === undefined || named(record));
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

/** Whether the comment of an element, `shop/web:http`, names a port of `service`. */
function concerns(comment: string | undefined, service: string): boolean {
  return comment !== undefined && serviceOfComment(comment) === service;
}
