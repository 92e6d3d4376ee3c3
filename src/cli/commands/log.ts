// `ledgerproxy log [SERVICE]`: prints records, newest first, and the changes of each commit.

import { recordsAbout } from "../../history/log.ts";
import { recordLines } from "../../history/log_words.ts";
import type { Search } from "../../ledger/terms.ts";
import type { LedgerRecord } from "../../ledger/record.ts";
import { log } from "../../node/log.ts";
import { UsageError } from "../../node/usage_error.ts";
import { type Command, type Done, ledgerCommand, Option, positive } from "../command_line.ts";
import { printJson } from "../json_schema.ts";
import { localTime } from "../local_time.ts";
import { printLines } from "../terminal.ts";
import { pastArgument } from "../arguments.ts";

/** Flags of `log`. */
export interface LogOptions {
  readonly ledger: string;
  readonly namespace?: string;
  /** The address of an endpoint or a Service. */
  readonly address?: string;
  /** RFC 3339. */
  readonly since?: string;
  readonly until?: string;
  readonly kind?: LedgerRecord["kind"];
  readonly limit?: number;
  readonly json?: boolean;
}

/** How many records are printed unless `--limit` is given. */
const LIMIT = 50;
const KINDS = ["event", "config", "commit", "drift", "gap"] as const satisfies LedgerRecord["kind"][];

/** Adds `log` to the program. */
export function addLog(program: Command, done: Done): void {
  const example = "log shop/web --since 2026-11-23T03:00:00Z --ledger DIR";
  ledgerCommand(program, "log", "print records and what each commit changed, newest first", example)
    .argument("[service]", "namespace/name of a Service")
    .option("--namespace <name>", "only records about this namespace")
    .option("--address <address>", "only records that name this address, of an endpoint or a Service")
    .option("--since <time>", "no earlier than this")
    .option("--until <time>", "no later than this")
    .addOption(new Option("--kind <kind>", "only records of this kind").choices(KINDS))
    .option("--limit <n>", "how many at most (50)", positive)
    .action((service: string | undefined, options: LogOptions) => done(logCommand(service, options)));
}

/** Prints the records that match, newest first; returns 1 where the newest records are missing. Throws UsageError. */
export function logCommand(service: string | undefined, options: LogOptions): number {
  const past = pastArgument(options.ledger);
  const limit = options.limit ?? LIMIT;
  let count = 0;
  for (const placed of recordsAbout(past, searchOf(service, options))) {
    if (++count > limit) {
      log.info(`older records match too: --limit ${limit * 10} shows more`);
      break;
    }
    if (options.json) printJson("log/1", placed);
    else printLines(recordLines(placed, service, localTime));
  }
  const cut = count > limit ? past.cut() : undefined;
  if (cut !== undefined) log.error(cut.text);
  return cut === undefined ? 0 : 1;
}

/** The search that the flags describe. An absent flag does not restrict it. */
function searchOf(service: string | undefined, options: LogOptions): Search {
  const { namespace, address, kind } = options;
  const [since, until] = [timeOf("--since", options.since), timeOf("--until", options.until)];
  return {
    ...(service === undefined ? {} : { service }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(address === undefined ? {} : { address }),
    ...(kind === undefined ? {} : { kind }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
  };
}

/** The time of a flag in milliseconds since 1970. Throws UsageError. */
function timeOf(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const time = Date.parse(text);
  if (!Number.isNaN(time)) return time;
  throw new UsageError(`${flag} ${text}: it must be a time, such as 2026-11-23T03:12:00Z`);
}
