// `ledgerproxy report LEDGER -o FILE.html`: one page about a window of a ledger, for a browser and nothing else.

import { Buffer } from "node:buffer";
import { gzipSync } from "node:zlib";
import { snapshotLines } from "../../fold/snapshot.ts";
import { segmentFirst } from "../../ledger/format.ts";
import { ledgerId, type Placed, readBackward, readLedger } from "../../ledger/reader.ts";
import type { LedgerRecord } from "../../ledger/record.ts";
import { segmentNames } from "../../ledger/segment.ts";
import type { Storage } from "../../ledger/storage.ts";
import { REPORT_BYTES_MAX, REPORT_RECORDS } from "../../limits.ts";
import { reportHtml } from "../../report/html.ts";
import { PAGE } from "../../report/page.generated.ts";
import { type EarlierCause, forPage, type ReportData } from "../../report/report_data.ts";
import { type Belief, beliefAt, causeAt, existingLedger, offsetAt } from "../ledger_history.ts";
import { log } from "../../node/log.ts";
import type { PositionArgument } from "../position_argument.ts";
import { progress } from "../../node/progress.ts";
import { UsageError } from "../../node/usage_error.ts";
import { VERSION } from "../../node/program_version.ts";

/** Flags of `report`. */
export interface ReportOptions {
  readonly output: string;
  /** The window begins with the state there. */
  readonly since?: PositionArgument;
  readonly until?: PositionArgument;
  /** How many records at most. */
  readonly records?: number;
}

/** Writes the page; returns the exit code. Throws UsageError. */
export function report(ledger: string, options: ReportOptions): number {
  const data = reportData(existingLedger(ledger), options);
  const { first, records, leftOut } = data;
  const html = reportHtml(PAGE, compressed(data));
  // What is in a ledger is for the owner of the ledger alone.
  Deno.writeTextFileSync(options.output, html, { mode: 0o600 });
  const kilobytes = Math.ceil(html.length / 1024).toLocaleString("en");
  const others = leftOut.before + leftOut.after;
  const left = others === 0
    ? ""
    : `; ${others.toLocaleString("en")} others left out: --since, --until, --records`;
  log.info(`${options.output}: @${first} to @${first + records.length - 1}, ${kilobytes} KB${left}`);
  return 0;
}

function compressed(data: ReportData): string {
  return Buffer.from(gzipSync(JSON.stringify(data), { level: 9 })).toString("base64");
}

/** What the page is given of the ledger in `storage`: records of at most `bytesMax` of JSON. Throws UsageError. */
export function reportData(
  storage: Storage,
  { since, until, records: most }: Omit<ReportOptions, "output">,
  bytesMax = REPORT_BYTES_MAX,
): ReportData {
  const last = offsetAt(storage, until);
  const kept = segmentFirst(segmentNames(storage)[0]!)!;
  const oldest = readLedger(storage, kept).next().value as Placed;
  const newest = readBackward(storage).next().value!;
  const begin = since === undefined || isBefore(since, oldest.record) ? kept : offsetAt(storage, since) + 1;
  const wanted = Math.max(begin, last + 1 - Math.ceil(most ?? REPORT_RECORDS));
  const records = recordsOf(storage, wanted, last, bytesMax);
  if (records.length === 0) throw new UsageError(`no record is later than --since and no later than --until`);
  const first = last + 1 - records.length;
  const belief = first === 0 ? undefined : beliefAt(storage, first - 1);
  return {
    version: VERSION,
    ledger: ledgerId(storage) ?? "",
    node: nodeName(records, belief),
    first,
    snapshot: belief === undefined ? [] : [...snapshotLines(belief.state)],
    causes: belief === undefined ? [] : earlierCauses(belief),
    records: records.map(forPage),
    leftOut: {
      before: first - kept,
      after: newest.offset - last,
      oldest: oldest.record.time,
      newest: newest.record.time,
    },
  };
}

/** Whether the time `since` is earlier than all there is: then all of it is meant. */
function isBefore(since: PositionArgument, oldest: LedgerRecord): boolean {
  return since.kind === "time" && since.milliseconds < Date.parse(oldest.time);
}

/** Records from offset `begin` to `last`; fewer, the newest, where they are more than a page can hold. */
function recordsOf(storage: Storage, begin: number, last: number, bytesMax: number): LedgerRecord[] {
  const records: LedgerRecord[] = [];
  const sizes: number[] = [];
  const told = progress("records read from the ledger");
  let [bytes, dropped] = [0, 0];
  for (const { offset, record } of readLedger(storage, begin)) {
    if (offset > last) break;
    records.push(record);
    bytes += sizes[sizes.push(JSON.stringify(record).length) - 1]!;
    while (bytes > bytesMax && dropped < records.length - 1) bytes -= sizes[dropped++]!;
    // Cut now and then: what is dropped must not stay in memory.
    if (dropped > REPORT_RECORDS) {
      records.splice(0, dropped);
      sizes.splice(0, dropped);
      dropped = 0;
    }
    told(records.length);
  }
  return records.slice(dropped);
}

/** As the newest configuration says. */
function nodeName(records: readonly LedgerRecord[], belief: Belief | undefined): string {
  const config = records.findLast((record) => record.kind === "config");
  return config?.kind === "config" ? config.nodeName : belief?.state.node.name ?? "";
}

/** The records that made the elements of `belief` what they are, in order. */
function earlierCauses({ state, record }: Belief): EarlierCause[] {
  const offsets = new Set([...state.causes.values()].flatMap((causes) => [...causes.values()]));
  return [...offsets].sort((a, b) => a - b).map((offset) => {
    const { what, time, resourceVersion } = causeAt(record, offset);
    return { offset, what, time, ...(resourceVersion === undefined ? {} : { resourceVersion }) };
  });
}
