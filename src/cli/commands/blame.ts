// `ledgerproxy blame WHAT`: prints for each element the record that made it, when that arrived, and the commit.

import { blameElements, servingSince } from "../../history/blame.ts";
import { blameLines } from "../../history/blame_words.ts";
import { directoryOf } from "../../history/directory.ts";
import type { PositionExpression } from "../../history/position_expression.ts";
import { incompleteText, pastToRead } from "../../history/recorded_rules.ts";
import { EXIT } from "../../node/exit_code.ts";
import { log } from "../../node/log.ts";
import { type Command, type Done, ledgerCommand } from "../command_line.ts";
import { localTime } from "../local_time.ts";
import { printJson, printLines } from "../terminal.ts";
import { offsetArgument, pastArgument, positionArgument, subjectArgument } from "../arguments.ts";

/** Flags of `blame`. */
export interface BlameOptions {
  readonly ledger?: string;
  readonly at?: PositionExpression;
  readonly json?: boolean;
}

/** Adds `blame` to the program. */
export function addBlame(program: Command, done: Done): void {
  const description = "print which event made each element, and which commit wrote it";
  ledgerCommand(program, "blame", description, "blame 10.244.1.7 --ledger DIR")
    .argument("<what>", "a Service, a pod, a node, an address, a CIDR, or an element's key")
    .option("--at <position>", "the elements at this position (HEAD)", positionArgument)
    .action((what: string, options: BlameOptions) => done(blameCommand(what, options)));
}

/** Prints lines for each element; returns 1 when nothing matches, or where elements may be missing. Throws UsageError, WrongPosition. */
export function blameCommand(what: string, { ledger, at, json }: BlameOptions): number {
  const past = pastArgument(ledger);
  const state = past.again(() => pastToRead(past, offsetArgument(past, at)));
  const missing = state.recorded?.incomplete === undefined ? undefined : incompleteText(state.recorded);
  if (missing !== undefined) log.warn(missing);
  const found = [...blameElements(state, what)];
  const since = servingSince(past, state, found);
  found.forEach((blamed, i) => {
    if (json) printJson("blame/1", { ...blamed, since: since[i] ?? null });
    else printLines(blameLines(blamed, localTime, since[i]));
  });
  if (found.length > 0) return missing === undefined ? EXIT.done : EXIT.found;
  // Where the name itself is unknown, those that are near it are printed.
  subjectArgument(directoryOf(state.state), what);
  log.info(`${what}: no element at @${state.state.folded} concerns it`);
  return EXIT.found;
}
