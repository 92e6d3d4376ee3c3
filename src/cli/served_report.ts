// Serves a report's page on loopback, and sends it what is written to the ledger, as it is written. The path has a secret:
// any user of the machine can connect to a port of loopback, and only the owner of a ledger may read it.

import type { Outage } from "../history/outages.ts";
import type { Past } from "../history/past.ts";
import { lastOffsetOf } from "../history/position_expression.ts";
import { grownLedger } from "../library/grown_ledger.ts";
import { EXIT } from "../node/exit_code.ts";
import { log } from "../node/log.ts";
import { stopSignal } from "../node/stop_signal.ts";
import { pause } from "../pause.ts";
import { printable } from "../printable.ts";
import type { ReportGrowth } from "../report/report_data.ts";
import { messageOf } from "../thrown.ts";

/** A page that is served. */
interface ServedReport {
  readonly past: Past;
  /** The page of the ledger as it is now. */
  html(): string;
  /** The outages of the records that are kept, up to this one. */
  outages(through: number): readonly Outage[];
}

/** After an answer was made, the program rests this many times as long as that took, so that it leaves the node to others. */
const REST = 4;

const HEADERS = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

/** Serves `report` at `port` of loopback until the process is asked to stop; 0: at a port that is free. */
export async function serveReport(report: ServedReport, port: number): Promise<number> {
  const secret = crypto.randomUUID();
  const { signal } = stopSignal();
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port,
    signal,
    onError: (error) => new Response(`${printable(messageOf(error))}\n`, { status: 500, headers: HEADERS }),
    onListen: (address) => log.info(`the report is at http://127.0.0.1:${address.port}/${secret}/`),
  }, (request) => answerTo(report, secret, new URL(request.url), AbortSignal.any([signal, request.signal])));
  await server.finished;
  return EXIT.done;
}

function answerTo(report: ServedReport, secret: string, url: URL, signal: AbortSignal): Response {
  const after = /^\d{1,15}$/.exec(url.searchParams.get("after") ?? "")?.[0];
  const ledger = url.searchParams.get("ledger") ?? "";
  if (url.pathname === `/${secret}/`) {
    return new Response(report.html(), {
      headers: { ...HEADERS, "content-type": "text/html; charset=utf-8" },
    });
  }
  if (url.pathname === `/${secret}/records` && after !== undefined) {
    if (!continues(report.past, ledger, Number(after))) {
      return new Response("gone\n", { status: 410, headers: HEADERS });
    }
    const lines = ReadableStream.from(growthLines(report, ledger, Number(after), signal));
    return new Response(lines, { headers: { ...HEADERS, "content-type": "application/x-ndjson" } });
  }
  return new Response("not found\n", { status: 404, headers: HEADERS });
}

/** Whether the ledger is the one with this id, and has the record after offset `after`, or will have it next. */
function continues(past: Past, ledger: string, after: number): boolean {
  return past.again(() =>
    past.id() === ledger && past.first() <= after + 1 && after <= (lastOffsetOf(past) ?? -1)
  );
}

/** A line of JSON whenever records were written after offset `after` of the ledger with this id. */
async function* growthLines(
  { past, outages }: ServedReport,
  ledger: string,
  after: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let taken = after;
  for await (const { last, anew } of grownLedger(past, signal, ledger)) {
    // As where retention overtakes the page: it connects again, and learns that.
    if (anew) return;
    if (last <= taken) continue;
    const begin = performance.now();
    const records = [...past.records(taken + 1)].filter(({ offset }) => offset <= last);
    if (records[0]?.offset !== taken + 1) return;
    const growth: ReportGrowth = { records: records.map(({ record }) => record), outages: outages(last) };
    taken = last;
    yield new TextEncoder().encode(`${JSON.stringify(growth)}\n`);
    await pause(REST * (performance.now() - begin), signal);
  }
}
