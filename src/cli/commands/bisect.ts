// `ledgerproxy bisect GOOD BAD SRC DST:PORT/PROTO`: finds the commit, and its record, with which a packet stopped going where it
// should.

import { type BisectQuestion, flipLines, notBoundedLines } from "../../history/bisect_words.ts";
import { type Directory, directoryOf } from "../../history/directory.ts";
import { isNameProblem } from "../../history/names.ts";
import { packetOfNames } from "../../history/packet_names.ts";
import { directoryAt } from "../../history/past_names.ts";
import {
  bisectFrom,
  type PacketCondition,
  type PacketFlip,
  packetFlips,
  parseExpectation,
} from "../../history/packet_bisect.ts";
import { type Past, type PastState, stateAt } from "../../history/past.ts";
import type { PositionExpression } from "../../history/position_expression.ts";
import type { Packet } from "../../history/trace.ts";
import { EXIT } from "../../node/exit_code.ts";
import { log } from "../../node/log.ts";
import { type Command, type Done, ledgerCommand } from "../command_line.ts";
import { localTime } from "../local_time.ts";
import { printJson, printLines } from "../terminal.ts";
import { accepted, offsetArgument, packetArgument, pastArgument, positionArgument } from "../arguments.ts";

/** Flags of `bisect`. */
export interface BisectOptions {
  readonly ledger?: string;
  /** The expected outcome: `endpoint`, an address, `refused` or `dropped`. */
  readonly expect: string;
  readonly interface?: string;
  readonly all?: boolean;
  readonly json?: boolean;
}

/** Adds `bisect` to the program. */
export function addBisect(program: Command, done: Done): void {
  ledgerCommand(
    program,
    "bisect",
    "find the commit and the event with which a packet stopped going where it should",
    "bisect HEAD~40 HEAD 10.244.1.5 10.96.0.10:80/tcp --ledger DIR",
  )
    .argument(
      "<good>",
      "@1234, 03:12, 5m, HEAD~3: a position where the packet goes where it should",
      positionArgument,
    )
    .argument("<bad>", "like good: a later position where it does not", positionArgument)
    .argument("<source>", "the sender: an address, a pod or a node")
    .argument("<target>", "a Service (shop/web, shop/web:http), or ADDRESS:PORT/PROTO")
    .option(
      "--expect <what>",
      "endpoint, refused, dropped, ADDRESS[:PORT] of an endpoint, or same (as at good)",
      "endpoint",
    )
    .option("--interface <name>", "interface by which the packet reaches the node")
    .option("--all", "print every commit after which the packet goes elsewhere, or where it should again")
    .action((
      good: PositionExpression,
      bad: PositionExpression,
      source: string,
      target: string,
      options: BisectOptions,
    ) => done(bisectCommand(good, bad, source, target, options)));
}

/**
 * Prints the first commit with which the packet stops being as expected; with `all` every commit that changes that. Returns 1
 * where there is none. Throws UsageError, WrongPosition.
 */
export function bisectCommand(
  good: PositionExpression,
  bad: PositionExpression,
  source: string,
  target: string,
  options: BisectOptions,
): number {
  const past = pastArgument(options.ledger);
  const bounds = { good: offsetArgument(past, good), bad: offsetArgument(past, bad) };
  const begin = past.again(() => stateAt(past, bounds.good));
  const packet = packetArgument(
    namesKnown(past, begin, bounds.bad, [source, target]),
    source,
    target,
    options.interface,
  );
  const expected = accepted(parseExpectation(packet, options.expect), "--expect ");
  const print = (flip: PacketFlip) => printFlip(packet, flip, options.json === true);
  const search = { past, begin, condition: { packet, expected }, print };
  if (options.all) return printAll(search, bounds);
  return printFirst(search, { packet, ...bounds, expect: options.expect });
}

/** The names at the good end; those at the bad one where only that knows what was named, such as a younger Service. */
function namesKnown(
  past: Past,
  { state }: PastState,
  bad: number,
  [source, target]: readonly [string, string],
): Directory {
  const here = directoryOf(state);
  const isUnknown = (directory: Directory) => {
    const found = packetOfNames(directory, source, target);
    return typeof found === "string" || isNameProblem(found);
  };
  if (!isUnknown(here)) return here;
  const later = directoryAt(past, bad);
  return isUnknown(later) ? here : later;
}

/** What is searched for, from the state at the good end. */
interface BisectSearch {
  readonly past: Past;
  readonly begin: PastState;
  readonly condition: PacketCondition;
  readonly print: (flip: PacketFlip) => void;
}

/** The two ends of a search. */
interface Bounds {
  readonly good: number;
  readonly bad: number;
}

/** Prints the first commit that ends the condition, or why there is none. */
function printFirst(
  { past, begin, condition, print }: BisectSearch,
  question: BisectQuestion & Bounds,
): number {
  const answer = bisectFrom(past, begin, question, condition);
  switch (answer.kind) {
    case "found":
      print(answer.flip);
      return EXIT.done;
    case "not committed":
      log.error(`records with which the packet goes elsewhere are not committed up to @${question.bad}`);
      return EXIT.found;
    case "not bounded":
      for (const line of notBoundedLines(question, answer, localTime)) log.error(line);
      return EXIT.found;
  }
}

/** Prints every commit that changes the condition. It does not need a good and a bad end. */
function printAll({ past, begin, condition, print }: BisectSearch, { good, bad }: Bounds): number {
  let found = 0;
  for (const flip of packetFlips(past, good, bad, condition, begin)) {
    print(flip);
    found++;
  }
  if (found === 0) log.info(`no commit after @${good}, up to @${bad}, changes where this packet goes`);
  return found === 0 ? EXIT.found : EXIT.done;
}

function printFlip(packet: Packet, flip: PacketFlip, json: boolean): void {
  if (json) printJson("bisect/1", flip);
  else printLines(flipLines(packet, flip, localTime));
}
