// `ledgerproxy test FILE`: checks a file of assertions at a position, or at every commit of a range.

import { type Assertion, parseAssertions } from "../../history/assertion.ts";
import { checkAssertions, type Checked } from "../../history/assertion_check.ts";
import type { PositionExpression } from "../../history/position_expression.ts";
import { readFault, readTextUpTo } from "../../ingest/bounded_file.ts";
import { readDocuments } from "../../ingest/manifest_documents.ts";
import { CONFIG_BYTES_MAX } from "../../limits.ts";
import { EXIT } from "../../node/exit_code.ts";
import { UsageError } from "../../node/usage_error.ts";
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
  readonly json?: boolean;
}

/** Adds `test` to the program. */
export function addTest(program: Command, done: Done): void {
  const description = "check a file of assertions: where packets go, ready endpoints, outages";
  ledgerCommand(program, "test", description, "test shop.yaml --from yesterday --to now")
    .argument("<file>", "YAML or JSON: a list of {from, to, expect} and {service, ready | outage}")
    .option("--at <position>", "at this position: @1234, 03:12, 5m (HEAD)", positionArgument)
    .option("--from <position>", "at every commit after this", positionArgument)
    .option("--to <position>", "up to this (HEAD)", positionArgument)
    .option("--junit <file>", "also write the results as JUnit has them")
    .action((file: string, options: TestOptions) => done(testCommand(file, options)));
}

/** Prints each assertion; returns 1 where one is broken. Throws UsageError, WrongPosition. */
export function testCommand(file: string, { ledger, at, from, to, junit, json }: TestOptions): number {
  if (at !== undefined && (from ?? to) !== undefined) {
    throw new UsageError("give either --at, or --from and --to");
  }
  const past = pastArgument(ledger);
  const assertions = assertionsIn(file);
  const through = offsetArgument(past, to ?? at);
  const span = { from: from === undefined ? through : offsetArgument(past, from), through };
  if (span.from > through) throw new UsageError("--from is after --to");
  const checked = checkAssertions(past, span, assertions);
  if (junit !== undefined) Deno.writeTextFileSync(junit, junitText(file, checked));
  if (json) { for (const one of checked) printJson("test/1", one); }
  else printLines(checked.flatMap(checkedLines));
  return checked.every(({ holds }) => holds) ? EXIT.done : EXIT.found;
}

function assertionsIn(file: string): readonly Assertion[] {
  let text: string;
  try {
    text = readTextUpTo(file, CONFIG_BYTES_MAX);
  } catch (error) {
    throw new UsageError(`${file}: ${readFault(error)}`);
  }
  const { values, problems } = readDocuments(file, text);
  const parsed = problems.length > 0 ? { problems } : parseAssertions(values);
  if ("problems" in parsed) throw new UsageError([`${file}:`, ...parsed.problems].join("\n  "));
  return parsed;
}

function checkedLines({ name, holds, text, commit, cause }: Checked): string[] {
  if (holds) return [`ok      ${name}`];
  return [
    `BROKEN  ${name}: ${text}`,
    ...(commit === null ? [] : [`    first by the commit @${commit.offset} ${localTime(commit.time)}`]),
    ...(cause === null ? [] : [`    because of @${cause.offset} ${cause.what}, ${localTime(cause.time)}`]),
  ];
}
