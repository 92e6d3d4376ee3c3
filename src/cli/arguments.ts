// Parses positions, names, packets and ledgers on the command line. A wrong one is wrong usage: exit code 2, and a message that says
// what to write instead. A name that is well formed and unknown is an error with names that are near it: exit code 1.

import type { ClusterState } from "../fold/cluster_state.ts";
import { type Directory, directoryOf, type NamedState } from "../history/directory.ts";
import {
  isNameProblem,
  type NameProblem,
  nameProblemLines,
  type Subject,
  subjectText,
} from "../history/names.ts";
import { type ServiceMeant, serviceMeant } from "../history/outages.ts";
import { packetOfNames } from "../history/packet_names.ts";
import { isWrongPosition, type Past, type PastState } from "../history/past.ts";
import { findServiceBefore, findSubjectBefore, isFullName } from "../history/past_names.ts";
import { findMeant, findServed } from "../history/port_names.ts";
import {
  commitAtTime,
  HEAD,
  parsePosition,
  type PositionExpression,
  resolvePosition,
} from "../history/position_expression.ts";
import { rulesRemoved } from "../history/status.ts";
import { pastAt } from "../history/recorded_rules.ts";
import type { Packet } from "../history/trace.ts";
import type { Placed } from "../ledger/reader.ts";
import { CLEANUP } from "../fold/skeleton.ts";
import { isLedgerNotFound, openPast } from "../library/open_ledger.ts";
import { log } from "../node/log.ts";
import { frugal } from "./frugal.ts";
import { progress } from "../node/progress.ts";
import { UsageError } from "../node/usage_error.ts";
import { NothingFound } from "./nothing_found.ts";
import { chosenFolder } from "./ledger_folder.ts";
import { localClock, localTime } from "./local_time.ts";

/** The parsed value. Where `read` is a reason instead, throws it as UsageError, with `flag` before it. */
export function accepted<T extends object | ((...args: never[]) => unknown)>(read: T | string, flag = ""): T {
  if (typeof read === "string") throw new UsageError(`${flag}${read}`);
  return read;
}

/** A position on the command line, with times in the zone of this machine. Throws UsageError. */
export function positionArgument(text: string): PositionExpression {
  return accepted(parsePosition(text, localClock()));
}

/**
 * The offset that `position` means in `past`, HEAD where none is given. What a time means is printed on standard error, so that a
 * wrong zone is noticed, also where nothing was committed by then. Throws WrongPosition.
 */
export function offsetArgument(past: Past, position: PositionExpression = HEAD): number {
  if (position.kind !== "time") return resolvePosition(position, past);
  const said = timeText(position);
  try {
    const offset = resolvePosition(position, past);
    const commit = commitAtTime(past, position.milliseconds);
    const how = commit === undefined
      ? "written by then; nothing was committed in this ledger"
      : `committed by @${commit.offset} at ${localTime(commit.record.time)}`;
    log.info(`${said}: @${offset}, ${how}${endText(past, position.milliseconds, commit?.offset ?? offset)}`);
    return offset;
  } catch (error) {
    if (isWrongPosition(error)) log.info(said);
    throw error;
  }
}

/**
 * Prints on standard error what the times among `positions` mean, where they are compared with those of records of `past`, and where the
 * ledger ends before one or begins after it.
 */
export function sayTimes(past: Past, ...positions: readonly (PositionExpression | undefined)[]): void {
  for (const position of positions) {
    if (position?.kind !== "time") continue;
    log.info(
      `${timeText(position)}${endText(past, position.milliseconds)}${beginText(past, position.milliseconds)}`,
    );
  }
}

/** `; the ledger ends with @363 at TIME` where it ends before `milliseconds`; "" elsewhere. `named`: an offset whose time was printed. */
function endText(past: Past, milliseconds: number, named?: number): string {
  let newest: Placed | undefined;
  // Behind damage, or a tail that was cut, there were later records.
  if (past.cut() !== undefined || past.damageIn(() => [newest] = past.newestFirst()) !== undefined) return "";
  if (newest === undefined || Date.parse(newest.record.time) >= milliseconds) return "";
  return newest.offset === named
    ? "; the ledger ends with it"
    : `; the ledger ends with ${placeText(newest)}`;
}

/** The same where the ledger begins after `milliseconds`. */
function beginText(past: Past, milliseconds: number): string {
  let oldest: Placed | undefined;
  past.damageIn(() => past.again(() => [oldest] = past.records()));
  return oldest === undefined || Date.parse(oldest.record.time) <= milliseconds
    ? ""
    : `; the ledger begins with ${placeText(oldest)}`;
}

/** `@7 at 2026-11-23 03:12:00.000 +01:00`. */
function placeText({ offset, record }: Placed): string {
  return `@${offset} at ${localTime(record.time)}`;
}

/** `03:12 is 2026-11-23 03:12:00.000 +01:00`. */
function timeText(
  { text = "the time", milliseconds }: PositionExpression & { readonly kind: "time" },
): string {
  return `${text} is ${localTime(new Date(milliseconds).toISOString())}`;
}

/** The state at `position` of `past`, with the rules that its commit recorded. Throws WrongPosition. */
export function stateArgument(past: Past, position: PositionExpression | undefined): PastState {
  return past.again(() => pastAt(past, offsetArgument(past, position)));
}

/** Says on standard error where `cleanup` removed the rules that an answer from `state` is about. */
export function sayRemoved(past: Past, state: Pick<ClusterState, "folded" | "committed">): void {
  const removed = past.again(() => rulesRemoved(past, state));
  if (removed === undefined) return;
  log.warn(
    `@${removed}: \`${CLEANUP}\` removed the rules; what follows is what they were, and serves no packet`,
  );
}

/** An offset as a position. Positions are resolved once, so that a ledger that grows meanwhile gives one answer. */
export function atOffset(offset: number): PositionExpression {
  return { kind: "offset", offset };
}

/**
 * What was found. Throws NothingFound for an unknown name, with `wayOut` where nothing better is known of it; UsageError for a name with
 * several meanings, or that cannot be one.
 */
export function named<T extends object>(found: T | NameProblem, wayOut?: (text: string) => string): T {
  if (!isNameProblem(found)) return found;
  const lines = nameProblemLines(found);
  if (found.kind !== "unknown") throw new UsageError(lines.join("\n"));
  if (wayOut !== undefined && found.instead === undefined) lines.push(wayOut(found.text));
  throw new NothingFound(lines.join("\n"));
}

/** As {@link named}, of a search in the state at one position: what was there at another one is in the log. */
export function namedHere<T extends object>(found: T | NameProblem): T {
  return named(
    found,
    (text) =>
      isFullName(text)
        ? `if it was there at another position, \`ledgerproxy log ${text}\` prints when`
        : `if it was there at another position, \`ledgerproxy log\` prints when, by its full name: ${FULL_NAMES}`,
  );
}

/** What `text` names in `directory`. Throws as {@link namedHere}. */
export function subjectArgument(directory: Directory, text: string): Subject {
  return namedHere(findMeant(directory, text));
}

/** Finds what was named in one state after another. */
export type SubjectFinder = (state: NamedState) => Subject | undefined;

/**
 * Finds what `text` names; undefined for undefined. That stays what the first state had, also where a later one does not know it or has
 * another of that name. Throws as {@link namedHere}, for the first.
 */
export function subjectFinder(text: string | undefined): SubjectFinder {
  let last: Subject | undefined;
  return (state) => {
    if (text === undefined) return undefined;
    // Only the ports of a Service change; to look a name up takes a look at every object.
    if (last !== undefined && (last.kind !== "service" || last.port === undefined)) return last;
    const found = findServed(directoryOf(state), text);
    if (last !== undefined && (isNameProblem(found) || subjectText(found) !== subjectText(last))) return last;
    return last = namedHere(found);
  };
}

/** What `text` names at offset `last` of `past`; what is gone is named in full. Throws as {@link named}. */
export function subjectAtAnyTime(past: Past, last: number, text: string): Subject {
  return namedAtAnyTime(findSubjectBefore(past, last, text));
}

/** As {@link named}, of a search in the records too. */
function namedAtAnyTime<T extends object>(found: T | NameProblem): T {
  return named(found, () => `what is gone is found by its full name: ${FULL_NAMES}`);
}

const FULL_NAMES = "shop/web, pods/shop/web-0, nodes/node-b, zone/z1";

/** The Service that `text` names, or ports of one, at offset `through` of `past`, or any time before. Throws as {@link named}. */
export function serviceArgument(past: Past, through: number, text: string): ServiceMeant {
  const found = namedAtAnyTime(findServiceBefore(past, through, text));
  if (found.kind === "service") return serviceMeant(found);
  const what = found.kind === "address" ? "an address" : `a ${found.kind}`;
  throw new UsageError(
    `${text}: it must be a Service, and is ${what}; \`services ${text}\` prints the Services there`,
  );
}

/**
 * A packet between what two texts name, received by the interface `from`. Throws as {@link namedHere}; where the directory is of a
 * source, without a log, as {@link named}.
 */
export function packetArgument(
  directory: Directory,
  source: string,
  target: string,
  from: string | undefined,
  hasLog = true,
): Packet {
  const packet = accepted<Packet | NameProblem>(packetOfNames(directory, source, target, from));
  return hasLog ? namedHere(packet) : named(packet);
}

/** The ledger that `flag` or `argument` names, or the default one. Long questions report their progress. Throws UsageError. */
export function pastArgument(flag: string | undefined, argument?: string): Past {
  const { path, from } = chosenFolder(flag, argument);
  return pastIn(path, from);
}

/** The ledger in folder `path`, which `from` named: a flag, a variable. Throws UsageError. */
export function pastIn(path: string, from: string): Past {
  try {
    return openPast(path, frugal(progress));
  } catch (error) {
    if (isLedgerNotFound(error)) throw new UsageError(`${from} ${error.message}`);
    throw error;
  }
}
