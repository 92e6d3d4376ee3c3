// `ledgerproxy test FILE`: checks a file of assertions at a position, or at every commit of a range.

import { countText } from "../../count_text.ts";
import { checkAssertions } from "../../history/assertion_check.ts";
import { checkedLines } from "../../history/assertion_words.ts";
import type { Past } from "../../history/past.ts";
import type { Span } from "../../history/window.ts";
import { writtenAt } from "../../history/written_assertions.ts";
import { log } from "../../node/log.ts";
import type { PositionExpression } from "../../history/position_expression.ts";
import { EXIT } from "../../node/exit_code.ts";
import { writeNamedFile } from "../../node/named_file.ts";
import { UsageError } from "../../node/usage_error.ts";
import { assertionsIn } from "../assertion_file.ts";
import { type Command, type Done, ledgerCommand } from "../command_line.ts";
import { junitText } from "../junit.ts";
import { localTime } from "../local_time.ts";
import { printJson, printLines } from "../terminal.ts";
import { offsetArgument, pastArgument, positionArgument } from "../arguments.ts";

/** Flags of `test`. */
export interface TestOptions {
  readonly ledger?: string;
  readonly at?: PositionExpression;
  readonly from?: PositionExpression;
  readonly to?: PositionExpression;
  /** The file to write JUnit's XML to. */
  readonly junit?: string;
  /** Write the file in place of reading it. */
  readonly write?: boolean;
  readonly json?: boolean;
}

/** Adds `test` to the program. */
export function addTest(program: Command, done: Done): void {
  const description = "check a file of assertions: packets, ready endpoints, outages, latency";
  ledgerCommand(program, "test", description, "test shop.yaml --from yesterday --to now")
    .argument("<file>", "YAML or JSON: {from, to, expect}, {service, ready | outage | latency}, {drift}")
    .option("--at <position>", "at this position: @1234, 03:12, 5m (HEAD)", positionArgument)
    .option("--from <position>", "at every commit after this", positionArgument)
    .option("--to <position>", "up to this (HEAD)", positionArgument)
    .option("--junit <file>", "also write the results as JUnit XML")
    .option("--write", "write the file: what held at --from of Services that changed up to --to, or at --at")
    .action((file: string, options: TestOptions) =>
      done(options.write ? writeCommand(file, options) : testCommand(file, options))
    );
}

/** Writes what holds at a position into a new file. Throws UsageError, WrongPosition. */
function writeCommand(file: string, options: TestOptions): number {
  const past = pastArgument(options.ledger);
  const span = spanAsked(past, options);
  const { text, services } = writtenAt(past, span, options.from === undefined);
  writeNamedFile("", file, text, { createNew: true });
  log.info(`${file} has what held at @${span.from}, of ${countText(services, "Service")}`);
  return EXIT.done;
}

/** The range to check, from --from or --at to --to. Throws UsageError, WrongPosition. */
function spanAsked(past: Past, { at, from, to }: TestOptions): Span {
  const through = offsetArgument(past, to ?? at);
  const span = { from: from === undefined ? through : offsetArgument(past, from), through };
  if (span.from > through) throw new UsageError(`--from @${span.from} is after --to @${through}: swap them`);
  return span;
}

/** Prints each assertion; returns 1 where one is broken. Throws UsageError, WrongPosition. */
function testCommand(file: string, options: TestOptions): number {
  const past = pastArgument(options.ledger);
  const { junit, json } = options;
  const assertions = assertionsIn(file);
  const span = spanAsked(past, options);
  const checked = checkAssertions(past, span, assertions);
  if (junit !== undefined) writeNamedFile("--junit", junit, junitText(file, checked));
  if (json) { for (const one of checked) printJson("test/1", one); }
  else printLines(checked.flatMap((one) => checkedLines(one, localTime)));
  return checked.every(({ holds }) => holds) ? EXIT.done : EXIT.found;
}
