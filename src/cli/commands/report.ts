// `ledgerproxy report LEDGER -o FILE.html`: writes one page about a window of a ledger. The page needs only a browser.

import { Buffer } from "node:buffer";
import { gzipSync } from "node:zlib";
import { snapshotLines } from "../../fold/snapshot.ts";
import type { Cause } from "../../history/cause.ts";
import type { Past } from "../../history/past.ts";
import type { PositionExpression } from "../../history/position_expression.ts";
import { type WindowBounds, windowOf } from "../../history/window.ts";
import { REPORT_BYTES_MAX, REPORT_RECORDS } from "../../limits.ts";
import { EXIT } from "../../node/exit_code.ts";
import { log } from "../../node/log.ts";
import { VERSION } from "../../node/program_version.ts";
import { UsageError } from "../../node/usage_error.ts";
import { reportHtml } from "../../report/html.ts";
import { PAGE } from "../../report/page.generated.ts";
import { type EarlierCause, forPage, type ReportData } from "../../report/report_data.ts";
import { type Command, type Done, LEDGER_FLAG, positive } from "../command_line.ts";
import { pastArgument, positionArgument } from "../arguments.ts";

/** Flags of `report`. */
export interface ReportOptions {
  readonly ledger?: string;
  readonly output: string;
  /** The window begins with the state there. */
  readonly since?: PositionExpression;
  readonly until?: PositionExpression;
  /** At most so many records. */
  readonly records?: number;
}

/** Describes `command` as `report`. */
export function addReport(command: Command, done: Done): void {
  command
    .description("write a page for a browser: latency, churn, drift, and the state at any moment")
    .argument("[ledger]", "folder of the ledger")
    .option(...LEDGER_FLAG)
    .requiredOption("-o, --output <file>", "the page, one file")
    .option("--since <position>", "begin with the state there: @1234, a time, HEAD~3", positionArgument)
    .option("--until <position>", "end there (HEAD)", positionArgument)
    .option("--records <n>", "the newest n records of that (20000)", positive)
    .addHelpText(
      "after",
      "\nExample:\n  ledgerproxy report /var/lib/ledgerproxy/ledger --since 2026-11-23T03:00:00Z -o night.html",
    )
    .action((ledger: string | undefined, options: ReportOptions) => done(reportCommand(ledger, options)));
}

/** Writes the page; returns the exit code. Throws UsageError, WrongPosition. */
export function reportCommand(folder: string | undefined, options: ReportOptions): number {
  const data = reportData(pastArgument(options.ledger, folder), options);
  const { first, records, leftOut } = data;
  const html = reportHtml(PAGE, compressed(data));
  // Only the owner of a ledger may read it, and so the page.
  Deno.writeTextFileSync(options.output, html, { mode: 0o600 });
  const kilobytes = Math.ceil(html.length / 1024).toLocaleString("en");
  const others = leftOut.before + leftOut.after;
  const left = others === 0
    ? ""
    : `; ${others.toLocaleString("en")} others left out: --since, --until, --records`;
  log.info(`${options.output}: @${first} to @${first + records.length - 1}, ${kilobytes} KB${left}`);
  return EXIT.done;
}

/** The data as base64 of gzip, which browsers can unpack (DecompressionStream). */
function compressed(data: ReportData): string {
  return Buffer.from(gzipSync(JSON.stringify(data), { level: 9 })).toString("base64");
}

/** The data of the page: a window of `past` with at most `bytes` of JSON. Throws UsageError, WrongPosition. */
export function reportData(
  past: Past,
  { since, until, records: most }: Omit<ReportOptions, "output" | "ledger">,
  bytes = REPORT_BYTES_MAX,
): ReportData {
  const bounds: WindowBounds = {
    records: most ?? REPORT_RECORDS,
    bytes,
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
  };
  const window = past.again(() => windowOf(past, bounds));
  if (window === undefined) throw new UsageError("no record is later than --since and no later than --until");
  const { first, records, state, causes, node, leftOut } = window;
  return {
    version: VERSION,
    ledger: past.id(),
    node,
    first,
    snapshot: state === undefined ? [] : [...snapshotLines(state)],
    causes: causes.map(earlierCause),
    records: records.map(forPage),
    leftOut,
  };
}

/** A cause without the fields that the page does not show. */
function earlierCause({ offset, what, time, resourceVersion }: Cause): EarlierCause {
  return { offset, what, time, ...(resourceVersion === undefined ? {} : { resourceVersion }) };
}
