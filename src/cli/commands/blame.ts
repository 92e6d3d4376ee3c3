// `ledgerproxy blame WHAT`: prints for each element the record that made it, when that arrived, and the commit.

import { blameElements } from "../../history/blame.ts";
import { blameLines } from "../../history/blame_words.ts";
import { HEAD, type PositionExpression, resolvePosition } from "../../history/position_expression.ts";
import { incompleteText, pastAt } from "../../history/recorded_rules.ts";
import { log } from "../../node/log.ts";
import { type Command, type Done, ledgerCommand } from "../command_line.ts";
import { printJson } from "../json_schema.ts";
import { localTime } from "../local_time.ts";
import { printLines } from "../terminal.ts";
import { pastArgument, positionArgument } from "../arguments.ts";

/** Flags of `blame`. */
export interface BlameOptions {
  readonly ledger: string;
  readonly at?: PositionExpression;
  readonly json?: boolean;
}

/** Adds `blame` to the program. */
export function addBlame(program: Command, done: Done): void {
  const description = "print which event made elements, and which commit wrote them";
  ledgerCommand(program, "blame", description, "blame 10.244.1.7 --ledger DIR")
    .argument("<what>", "a Service, an address, or the key of an element")
    .option("--at <position>", "the elements at this position (HEAD)", positionArgument)
    .action((what: string, options: BlameOptions) => done(blameCommand(what, options)));
}

/** Prints lines for each element; returns 1 when nothing matches, or where elements may be missing. Throws UsageError, WrongPosition. */
export function blameCommand(what: string, { ledger, at, json }: BlameOptions): number {
  const asked = pastArgument(ledger);
  const past = asked.again(() => pastAt(asked, resolvePosition(at ?? HEAD, asked)));
  const missing = past.recorded?.incomplete === undefined ? undefined : incompleteText(past.recorded);
  if (missing !== undefined) log.warn(missing);
  let found = 0;
  for (const blamed of blameElements(past, what)) {
    found++;
    if (json) printJson("blame/1", blamed);
    else printLines(blameLines(blamed, localTime));
  }
  if (found === 0) log.info(`${what}: no element at @${past.state.folded} is about it`);
  return found === 0 || missing !== undefined ? 1 : 0;
}
