// `ledgerproxy log [WHAT]`: prints what changed, newest first, as the objects have it. `-p` and `--json` print the records themselves,
// with the elements of each commit.

import {
  CHANGE_KINDS,
  type ChangeFilter,
  type ChangeKind,
  changesAbout,
  filterOf,
} from "../../history/changes_log.ts";
import { loggedLines } from "../../history/changes_log_words.ts";
import { journalBackward, stateToRead } from "../../history/journal_reading.ts";
import { recordLines } from "../../history/log_words.ts";
import { recordsAbout } from "../../history/log.ts";
import type { Subject } from "../../history/names.ts";
import type { Past } from "../../history/past.ts";
import {
  HEAD,
  lastOffsetOf,
  type PositionExpression,
  resolvePosition,
} from "../../history/position_expression.ts";
import { parseAddress } from "../../kube/address.ts";
import type { Placed } from "../../ledger/reader.ts";
import type { LedgerRecord } from "../../ledger/record.ts";
import type { Search } from "../../ledger/terms.ts";
import { EXIT } from "../../node/exit_code.ts";
import { log } from "../../node/log.ts";
import { UsageError } from "../../node/usage_error.ts";
import { type Command, type Done, ledgerCommand, Option, positive } from "../command_line.ts";
import { following } from "../follow_ledger.ts";
import { printJson } from "../json_schema.ts";
import { localTime } from "../local_time.ts";
import { printLines } from "../terminal.ts";
import { pastArgument, positionArgument, subjectAtAnyTime } from "../arguments.ts";

/** Flags of `log`. */
export interface LogOptions {
  readonly ledger?: string;
  readonly namespace?: string;
  /** The address of an endpoint or a Service. */
  readonly address?: string;
  readonly node?: string;
  readonly zone?: string;
  readonly pod?: string;
  readonly cidr?: string;
  readonly since?: PositionExpression;
  readonly until?: PositionExpression;
  readonly kind?: LedgerRecord["kind"];
  readonly change?: ChangeKind;
  readonly limit?: number;
  /** Print the records with the elements of commits. */
  readonly patch?: boolean;
  readonly follow?: boolean;
  readonly json?: boolean;
}

/** How many changes are printed unless `--limit` is given. */
const LIMIT = 50;
const KINDS = ["event", "config", "commit", "drift", "gap"] as const satisfies LedgerRecord["kind"][];

/** Adds `log` to the program. */
export function addLog(program: Command, done: Done): void {
  const example = "log shop/web --since 03:00 --node node-b";
  ledgerCommand(program, "log", "print what changed in Services, endpoints and nodes, newest first", example)
    .argument("[what]", "a Service, a pod, a node, a zone, an address or a CIDR")
    .option("-p, --patch", "print the records themselves, and the elements that each commit changed")
    .option("-f, --follow", "then go on with what is written from now on")
    .option("--namespace <name>", "only what is about this namespace")
    .option("--address <address>", "only what names this address, of an endpoint or a Service")
    .option("--node <name>", "only endpoints on this node")
    .option("--zone <name>", "only endpoints in this zone")
    .option("--pod <name>", "only endpoints of this pod")
    .option("--cidr <cidr>", "only addresses in this block")
    .option("--since <position>", "after this: a time, @1234, HEAD~3", positionArgument)
    .option("--until <position>", "up to this", positionArgument)
    .addOption(new Option("--kind <kind>", "only records of this kind").choices(KINDS))
    .addOption(new Option("--change <kind>", "only changes of this kind").choices(CHANGE_KINDS))
    .option("--limit <n>", "how many at most (50)", positive)
    .action(async (what: string | undefined, options: LogOptions) =>
      done(options.follow ? await followLog(what, options) : logCommand(what, options))
    );
}

/** A change or a record, with its offset and how it is printed. */
interface Shown {
  readonly offset: number;
  print(): void;
}

/** Prints what matches, newest first; returns 1 where nothing does, or the newest records are missing. Throws UsageError, NothingFound. */
export function logCommand(what: string | undefined, options: LogOptions): number {
  const past = pastArgument(options.ledger);
  const last = lastOffsetOf(past) ?? -1;
  const limit = options.limit ?? LIMIT;
  let count = 0;
  for (const shown of questionOf(past, last, what, options)(last)) {
    if (++count > limit) {
      log.info(`older records match too: --limit ${limit * 10} shows more`);
      break;
    }
    shown.print();
  }
  const cut = past.cut();
  if (cut !== undefined) log.error(cut.text);
  if (count === 0) log.info("nothing in the ledger matches");
  return count === 0 || cut !== undefined ? EXIT.found : EXIT.done;
}

/** Prints the newest that match, oldest first, and then what is written, until the process is asked to stop. */
async function followLog(what: string | undefined, options: LogOptions): Promise<number> {
  const past = pastArgument(options.ledger);
  const last = resolvePosition(HEAD, past);
  const question = questionOf(past, last, what, options);
  const newest: Shown[] = [];
  for (const shown of question(last)) {
    if (newest.push(shown) >= (options.limit ?? LIMIT)) break;
  }
  for (const shown of newest.toReversed()) shown.print();
  return await following(past, last, (from, growth) => {
    const through = growth.quiet ? growth.last : settledThrough(past, growth.last);
    if (through >= from) printNew(question(through), from);
    return Math.max(through, from - 1);
  });
}

/**
 * Up to where a ledger that is followed can be printed: the last record that a commit folded, or that a rejection, drift or a gap
 * follows. What comes after it is printed with its commit, some milliseconds later. Without commits all can be printed.
 */
function settledThrough(past: Past, last: number): number {
  for (const entry of journalBackward(past, last, { details: false })) {
    if (entry.commit?.accepted) return entry.offset === last ? last : entry.commit.through;
    if (entry.kind !== "event" && entry.kind !== "config") return entry.offset;
  }
  return last;
}

/** Prints what was found from offset `from` on, oldest first. */
function printNew(found: Iterable<Shown>, from: number): void {
  const fresh: Shown[] = [];
  for (const shown of found) {
    if (shown.offset < from) break;
    fresh.push(shown);
  }
  for (const shown of fresh.toReversed()) shown.print();
}

/** What to print up to an offset, newest first. */
type Question = (through: number) => Iterable<Shown>;

/** The question that the arguments mean: of changes, or with `-p` and `--json` of records. */
function questionOf(past: Past, last: number, what: string | undefined, options: LogOptions): Question {
  const subjects = subjectsOf(past, last, what, options);
  const bounds = boundsOf(past, options);
  const { kind, change, namespace, json, patch } = options;
  const filters: ChangeFilter[] = subjects.map((subject) => filterOf(subject, stateToRead(past, last)));
  const filter = merged([...filters, {
    ...(kind === undefined ? {} : { kind }),
    ...(change === undefined ? {} : { change }),
    ...(namespace === undefined ? {} : { namespace }),
    ...bounds.times,
  }]);
  const changes = function* (through: number): Generator<Shown> {
    for (const logged of changesAbout(past, Math.min(through, bounds.through), filter)) {
      const { offset } = logged.entry;
      if (offset < bounds.from) return;
      yield { offset, print: () => printLines(loggedLines(logged, localTime)) };
    }
  };
  if (!json && !patch) return changes;
  const service = subjects.find((subject) => subject.kind === "service")?.service;
  const print = (placed: Placed) => {
    if (json) printJson("log/1", placed);
    else printLines(recordLines(placed, service, localTime));
  };
  const simple = change === undefined &&
    subjects.every(({ kind }) => kind === "service" || kind === "address");
  return simple ? recordsFound(past, subjects, bounds, options, print) : recordsOf(past, changes, print);
}

/** The records of changes that only the journal can find. */
function recordsOf(past: Past, changes: Question, print: (placed: Placed) => void): Question {
  return function* (through) {
    const lookup = past.lookup();
    for (const { offset } of changes(through)) {
      const placed = lookup(offset);
      if (placed !== undefined) yield { offset, print: () => print(placed) };
    }
  };
}

/** The records that a search finds by their content: commits too. */
function recordsFound(
  past: Past,
  subjects: readonly Subject[],
  { from, through: until, times }: Bounds,
  { kind, namespace }: LogOptions,
  print: (placed: Placed) => void,
): Question {
  const search: Search = Object.assign(
    {},
    ...subjects.map((subject): Search => {
      if (subject.kind === "service") return { service: subject.service };
      return subject.kind === "address" ? { address: subject.address } : {};
    }),
    kind === undefined ? {} : { kind },
    namespace === undefined ? {} : { namespace },
    times,
  );
  return function* (through) {
    for (const placed of recordsAbout(past, search)) {
      const { offset } = placed;
      if (offset < from) return;
      if (offset <= Math.min(through, until)) yield { offset, print: () => print(placed) };
    }
  };
}

/** The subjects of the argument and of the flags. Throws NothingFound for a name that the ledger does not know. */
function subjectsOf(past: Past, last: number, what: string | undefined, options: LogOptions): Subject[] {
  const { address, node, zone, pod, cidr } = options;
  if (address !== undefined && parseAddress(address) === undefined) {
    throw new UsageError(`--address ${address}: it must be an IP address`);
  }
  if (cidr !== undefined && !cidr.includes("/")) throw new UsageError(`--cidr ${cidr}: it must be a CIDR`);
  const names = [what, address, node && `nodes/${node}`, zone && `zone/${zone}`, pod && `pods/${pod}`, cidr];
  return names.filter((name) => name !== undefined).map((name) => subjectAtAnyTime(past, last, name));
}

/** From where to where. A time restricts the times of records, whatever was committed by then. */
interface Bounds {
  readonly from: number;
  readonly through: number;
  readonly times: Pick<Search, "since" | "until">;
}

function boundsOf(past: Past, { since, until }: LogOptions): Bounds {
  const place = (position: PositionExpression | undefined, otherwise: number) =>
    position === undefined || position.kind === "time" ? otherwise : resolvePosition(position, past);
  return {
    from: place(since, -1) + 1,
    through: place(until, Infinity),
    times: {
      ...(since?.kind === "time" ? { since: since.milliseconds } : {}),
      ...(until?.kind === "time" ? { until: until.milliseconds } : {}),
    },
  };
}

/** A filter that wants what all of `filters` want. */
function merged(filters: readonly ChangeFilter[]): ChangeFilter {
  const all: ChangeFilter = Object.assign({}, ...filters);
  const endpoint = filters.flatMap(({ endpoint }) => endpoint ?? []);
  if (endpoint.length === 0) return all;
  // What only one of several conditions could know, such as a text with an address, cannot be known to meet the others.
  const { mentions: _, ...rest } = all;
  const mentions = endpoint.length === 1 ? all.mentions : undefined;
  return {
    ...rest,
    endpoint: (change) => endpoint.every((isWanted) => isWanted(change)),
    ...(mentions === undefined ? {} : { mentions }),
  };
}
