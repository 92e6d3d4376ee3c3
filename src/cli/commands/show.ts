// `ledgerproxy show POSITION`: prints the record and the commit there, and the rules after it, as text that nft loads.

import { historyOf } from "../../history/history.ts";
import type { PositionExpression } from "../../history/position_expression.ts";
import { positionLines } from "../../history/show_words.ts";
import { EXIT } from "../../node/exit_code.ts";
import { type Command, type Done, ledgerCommand } from "../command_line.ts";
import { localTime } from "../local_time.ts";
import { printJson, printLines } from "../terminal.ts";
import { atOffset, offsetArgument, pastArgument, positionArgument } from "../arguments.ts";

/** Flags of `show`. */
export interface ShowOptions {
  readonly ledger?: string;
  readonly json?: boolean;
}

/** Adds `show` to the program. */
export function addShow(program: Command, done: Done): void {
  const description = "print the events and the commit at a position, and the rules, as nft loads them";
  ledgerCommand(program, "show", description, "show HEAD~3 --ledger DIR")
    .argument("<position>", "@1234, 03:12, 5m, HEAD, HEAD~3 (commits back)", positionArgument)
    .action((position: PositionExpression, options: ShowOptions) => done(showCommand(position, options)));
}

/** Prints one position; returns 1 where the rules are not all recorded. Throws UsageError, WrongPosition. */
function showCommand(position: PositionExpression, { ledger, json }: ShowOptions): number {
  const past = pastArgument(ledger);
  const shown = historyOf(past).show(atOffset(offsetArgument(past, position)));
  if (json) printJson("show/1", shown);
  else printLines(positionLines(shown, localTime));
  return shown.missing === null ? EXIT.done : EXIT.found;
}
