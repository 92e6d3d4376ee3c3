// `ledgerproxy report LEDGER -o FILE.html`: writes one page about a window of a ledger. The page needs only a browser.

import { Buffer } from "node:buffer";
import { gzipSync } from "node:zlib";
import type { PositionExpression } from "../../history/position_expression.ts";
import { type Outage, outagesIn } from "../../history/outages.ts";
import type { Past } from "../../history/past.ts";
import { type Window, windowOf } from "../../history/window.ts";
import { REPORT_BYTES_MAX, REPORT_RECORDS } from "../../limits/questions.ts";
import { EXIT } from "../../node/exit_code.ts";
import { log } from "../../node/log.ts";
import { writeNamedFile } from "../../node/named_file.ts";
import { VERSION } from "../../node/program_version.ts";
import { UsageError } from "../../node/usage_error.ts";
import { reportHtml } from "../../report/html.ts";
import { PAGE } from "../../report/page.generated.ts";
import { type ReportData, reportData } from "../../report/report_data.ts";
import { type Command, type Done, LEDGER_FLAG, wholePositive, wholeUpTo } from "../command_line.ts";
import { pastArgument, positionArgument, sayTimes } from "../arguments.ts";
import { serveReport } from "../served_report.ts";

/** Flags of `report`. */
export interface ReportOptions {
  readonly ledger?: string;
  readonly output?: string;
  /** Serve the page at this port of loopback. */
  readonly serve?: number;
  /** The window begins with the state there. */
  readonly since?: PositionExpression;
  readonly until?: PositionExpression;
  /** At most so many records. */
  readonly records?: number;
}

/** Adds `report` to the program. */
export function addReport(program: Command, done: Done): void {
  program.command("report")
    .description("write a page for a browser: latency, churn, drift, and the state at any moment")
    .argument("[ledger]", "folder of the ledger")
    .option(...LEDGER_FLAG)
    .option("-o, --output <file>", "the file to write")
    .option(
      "--serve <port>",
      "serve the page on loopback, with new commits as they come (0: any port)",
      wholeUpTo(65_535),
    )
    .option(
      "--since <position>",
      "begin with the state at this position: @1234, a time, HEAD~3",
      positionArgument,
    )
    .option("--until <position>", "end at this position (HEAD)", positionArgument)
    .option("--records <n>", "only the newest n records (20000)", wholePositive)
    .addHelpText(
      "after",
      "\nExample:\n  ledgerproxy report --since 2026-11-23T03:00:00Z -o night.html",
    )
    .action(async (ledger: string | undefined, options: ReportOptions) =>
      done(await reportCommand(ledger, options))
    );
}

/** Writes or serves the page; returns the exit code. Throws UsageError, WrongPosition. */
async function reportCommand(folder: string | undefined, options: ReportOptions): Promise<number> {
  const { output, serve } = options;
  const past = pastArgument(options.ledger, folder);
  sayTimes(past, options.since, options.until);
  const window = windowAsked(past, options);
  if (serve !== undefined) {
    const html = () => {
      const now = windowAsked(past, options);
      const data = reportData(now, past.id(), VERSION, outagesOf(past, now));
      return reportHtml(PAGE, compressed({ ...data, live: true }), true);
    };
    const outages = (through: number) =>
      outagesIn(past, { from: Math.max(window.first, past.first()), through });
    return await serveReport({ past, html, outages }, serve);
  }
  if (output === undefined) throw new UsageError("give -o FILE or --serve PORT");
  const data = reportData(window, past.id(), VERSION, outagesOf(past, window));
  const html = reportHtml(PAGE, compressed(data));
  // Only the owner of a ledger may read it, and so the page.
  writeNamedFile("-o", output, html, { mode: 0o600 });
  log.info(
    `${output}: ${windowText(window)}, ${thousands(Math.ceil(html.length / 1024))} KB${outsideText(window)}`,
  );
  return EXIT.done;
}

/** The window that the flags choose. Throws UsageError where it has no record, WrongPosition. */
function windowAsked(past: Past, { since, until, records = REPORT_RECORDS }: ReportOptions): Window {
  const window = past.again(() =>
    windowOf(past, {
      ...(since === undefined ? {} : { since }),
      ...(until === undefined ? {} : { until }),
      records,
      bytes: REPORT_BYTES_MAX,
    })
  );
  if (window === undefined) throw new UsageError("no record is after --since, up to --until");
  return window;
}

function outagesOf(past: Past, { first, records }: Window): Outage[] {
  return outagesIn(past, { from: first, through: first + records.length - 1 });
}

/** `@10 to @19`. */
function windowText({ first, records }: Window): string {
  return `@${first} to @${first + records.length - 1}`;
}

/** How many records the page does not have, and the flags that choose them; "" where it has all. */
function outsideText({ leftOut: { before, after } }: Window): string {
  return before + after === 0
    ? ""
    : `; ${thousands(before + after)} others left out: --since, --until, --records`;
}

function thousands(count: number): string {
  return count.toLocaleString("en");
}

/** The data as base64 of gzip, which browsers can unpack (DecompressionStream). */
function compressed(data: ReportData): string {
  return Buffer.from(gzipSync(JSON.stringify(data), { level: 9 })).toString("base64");
}
