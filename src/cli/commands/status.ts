// `ledgerproxy status`: prints the state of the node, worst first, from the ledger; and what the running proxy answers on loopback.

import { stateToRead } from "../../history/journal_reading.ts";
import type { Past } from "../../history/past.ts";
import { HEAD, type PositionExpression, resolveWritten } from "../../history/position_expression.ts";
import { isOnItsWay, nodeStateOf, type RecentEntries, recentEntries } from "../../history/status.ts";
import { isProblem, statusLines } from "../../history/status_words.ts";
import { EXIT } from "../../node/exit_code.ts";
import { type Command, type Done, ledgerCommand } from "../command_line.ts";
import { watching } from "../follow_ledger.ts";
import { localTime } from "../local_time.ts";
import { proxyFindings } from "../proxy_answers.ts";
import { printJson, printLines } from "../terminal.ts";
import { offsetArgument, pastArgument, positionArgument } from "../arguments.ts";

/** Flags of `status`. */
export interface StatusOptions {
  readonly ledger?: string;
  readonly at?: PositionExpression;
  readonly health: string;
  readonly metrics: string;
  readonly watch?: boolean;
  readonly json?: boolean;
}

/** Adds `status` to the program. */
export function addStatus(program: Command, done: Done): void {
  const description = "print what is wrong, worst first: rules, Services, node, drift, ledger, API server";
  ledgerCommand(program, "status", description, "status --at 03:12")
    .option("--at <position>", "as the ledger has it there: @1234, 03:12, 5m (now)", positionArgument)
    .option("--health <address>", "where the running proxy answers /healthz", "127.0.0.1:10256")
    .option("--metrics <address>", "where it answers /details", "127.0.0.1:10249")
    .option("--watch", "print it again whenever it changes, from the ledger alone")
    .action(async (options: StatusOptions) => done(await statusCommand(options)));
}

/** Prints the state; returns 1 where anything is more than a note. Throws UsageError, WrongPosition. */
async function statusCommand(options: StatusOptions): Promise<number> {
  const past = pastArgument(options.ledger);
  if (options.watch) return await watchStatus(past);
  const answers = options.at === undefined ? await proxyFindings(options.health, options.metrics) : [];
  // It says which position a time is.
  offsetArgument(past, options.at);
  const through = past.again(() => resolveWritten(options.at ?? HEAD, past));
  const state = nodeStateOf(past, stateToRead(past, through), answers);
  if (options.json) printJson("status/1", state);
  else printLines(statusLines(state, localTime));
  return state.findings.some(isProblem) ? EXIT.found : EXIT.done;
}

async function watchStatus(past: Past): Promise<number> {
  let [ledger, known]: [string, RecentEntries | undefined] = ["", undefined];
  return await watching(past, (offset, quiet) => {
    if (ledger !== past.id()) [ledger, known] = [past.id(), undefined];
    const read = stateToRead(past, offset);
    known = recentEntries(past, read.folded, known);
    const state = nodeStateOf(past, read, [], known);
    return !quiet && isOnItsWay(state) ? undefined : statusLines(state, localTime);
  });
}
