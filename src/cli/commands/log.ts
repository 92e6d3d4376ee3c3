// `ledgerproxy log [WHAT]`: prints what changed, newest first, as the objects have it. `-p` and `--json` print the records themselves,
// with the elements of each commit.

import { CHANGE_KINDS, type ChangeKind } from "../../history/changes_log.ts";
import { loggedLines } from "../../history/changes_log_words.ts";
import { lastBefore, logOf, settledThrough } from "../../history/log_question.ts";
import { recordLines } from "../../history/log_words.ts";
import type { Subject } from "../../history/names.ts";
import { nearNames } from "../../history/near_names.ts";
import type { Past } from "../../history/past.ts";
import { directoryAt } from "../../history/past_names.ts";
import {
  HEAD,
  lastOffsetOf,
  type PositionExpression,
  resolvePosition,
} from "../../history/position_expression.ts";
import { parseAddress, parseCidr } from "../../kube/address.ts";
import { namespaceOf } from "../../kube/service_name.ts";
import { isLedgerDamage } from "../../ledger/damage.ts";
import type { LedgerRecord } from "../../ledger/record.ts";
import { EXIT } from "../../node/exit_code.ts";
import { log } from "../../node/log.ts";
import { UsageError } from "../../node/usage_error.ts";
import { pastArgument, positionArgument, sayTimes, subjectAtAnyTime } from "../arguments.ts";
import { type Command, type Done, ledgerCommand, Option, wholePositive } from "../command_line.ts";
import { following } from "../follow_ledger.ts";
import { localTime } from "../local_time.ts";
import { printJson, printLines } from "../terminal.ts";

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
    .argument(
      "[what]",
      "a Service, a namespace (shop/), a pod, a node, a zone, an address, a CIDR or a port (30080)",
    )
    .option("-p, --patch", "print the records themselves, and the elements that each commit changed")
    .option("-f, --follow", "then print what is written from now on")
    .option("--namespace <name>", "only what is about this namespace")
    .option("--address <address>", "only what names this address, of an endpoint or a Service")
    .option("--node <name>", "only endpoints on this node")
    .option("--zone <name>", "only endpoints in this zone")
    .option("--pod <name>", "only endpoints of this pod")
    .option("--cidr <cidr>", "only addresses in this block")
    .option("--since <position>", "after this: a time, @1234, HEAD~3", positionArgument)
    .option("--until <position>", "up to this", positionArgument)
    .addOption(
      new Option("--kind <kind>", "only records of this kind; commit: those that brought such changes")
        .choices(KINDS),
    )
    .addOption(new Option("--change <kind>", "only changes of this kind").choices(CHANGE_KINDS))
    .option("-n, --limit <n>", "how many at most (50)", wholePositive)
    .action(async (what: string | undefined, options: LogOptions) =>
      done(options.follow ? await followLog(what, options) : logCommand(what, options))
    );
}

/** What to print between two offsets, newest first: each value prints itself. */
type Question = (through: number, from?: number) => Generator<() => void>;

/** Prints what matches, newest first; returns 1 where nothing does, or the newest records are missing. Throws UsageError, NothingFound. */
export function logCommand(what: string | undefined, options: LogOptions): number {
  const past = pastArgument(options.ledger);
  const last = lastOffsetOf(past) ?? -1;
  const limit = options.limit ?? LIMIT;
  let count = 0;
  for (const print of printsUpTo(past, last, what, options)) {
    if (++count > limit) {
      log.info(`older records match too: --limit ${limit * 10} shows more`);
      break;
    }
    print();
  }
  const cut = past.cut();
  if (cut !== undefined) log.error(cut.text);
  if (count === 0) log.info(nothingText(past, last, options));
  return count === 0 || cut !== undefined ? EXIT.found : EXIT.done;
}

/** That nothing matches, and what can be the reason: a namespace that is not there. */
function nothingText(past: Past, last: number, { namespace }: LogOptions): string {
  const known = namespace === undefined || last < 0
    ? undefined
    : new Set([...directoryAt(past, last).services.keys()].map(namespaceOf));
  if (namespace !== undefined && known?.has(namespace) === false) {
    const near = nearNames(namespace, known).join(", ");
    return `nothing in the ledger matches; --namespace ${namespace}: no Service is there${
      near === "" ? "" : `, near it are: ${near}`
    }`;
  }
  return "nothing in the ledger matches";
}

/** What to print, up to offset `last`. Damage behind what was asked for does not matter. */
function* printsUpTo(
  past: Past,
  last: number,
  what: string | undefined,
  options: LogOptions,
): Generator<() => void> {
  try {
    yield* questionOf(past, last, what, options)(last);
  } catch (error) {
    // What was printed up to here is behind the damage.
    const before = isLedgerDamage(error) ? lastBefore(past, error, options.until) : undefined;
    if (before === undefined) throw error;
    yield* printsUpTo(past, before, what, options);
  }
}

/** Prints the newest that match, oldest first, and then what is written, until the process is asked to stop. */
async function followLog(what: string | undefined, options: LogOptions): Promise<number> {
  const past = pastArgument(options.ledger);
  const ledger = past.id();
  const last = resolvePosition(HEAD, past);
  const question = questionOf(past, last, what, options);
  for (const print of question(last).take(options.limit ?? LIMIT).toArray().reverse()) print();
  return await following(past, { ledger, last }, (from, growth) => {
    const { through, found } = past.again(() => {
      const through = growth.quiet ? growth.last : settledThrough(past, growth.last);
      return { through, found: through < from ? [] : question(through, from).toArray() };
    });
    for (const print of found.reverse()) print();
    return Math.max(through, from - 1);
  });
}

/** The question that the arguments mean: of changes, or with `-p` and `--json` of records. */
function questionOf(past: Past, last: number, what: string | undefined, options: LogOptions): Question {
  sayTimes(past, options.since, options.until);
  const subjects = subjectsOf(past, last, what, options);
  const answer = logOf(past, last, { ...options, subjects });
  const meant = subjects.find((subject) => subject.kind === "service");
  const about = meant?.port?.ports.map(({ name }) => name) ?? meant?.service;
  const { json, patch } = options;
  return function* (through, from) {
    if (!json && !patch) {
      for (const logged of answer.changes(through, from)) {
        yield () => printLines(loggedLines(logged, localTime));
      }
      return;
    }
    for (const placed of answer.records(through, from)) {
      yield () => json ? printJson("log/1", placed) : printLines(recordLines(placed, about, localTime));
    }
  };
}

/** The subjects of the argument and of the flags. Throws NothingFound for a name that the ledger does not know, and UsageError. */
function subjectsOf(past: Past, last: number, what: string | undefined, options: LogOptions): Subject[] {
  const { address, node, zone, pod, cidr } = options;
  if (address !== undefined && parseAddress(address) === undefined) {
    throw new UsageError(`--address ${address}: it must be an IP address`);
  }
  if (cidr !== undefined && parseCidr(cidr) === undefined) {
    throw new UsageError(`--cidr ${cidr}: it must be a CIDR, such as 10.244.0.0/16`);
  }
  const subjects = [what, address, cidr].filter((name) => name !== undefined)
    .map((name) => subjectAtAnyTime(past, last, name));
  const ofKind = (kind: Subject["kind"], prefix: string, name: string | undefined): Subject[] => {
    if (name === undefined) return [];
    const subject = subjectAtAnyTime(past, last, `${prefix}/${name}`);
    // With a port or a protocol behind it, it would be an address.
    if (subject.kind !== kind) throw new UsageError(`--${kind} ${name}: it must be the name of a ${kind}`);
    return [subject];
  };
  // Not `node/` and `pod/`: a Service can be in a namespace of that name.
  return [
    ...subjects,
    ...ofKind("node", "nodes", node),
    ...ofKind("zone", "zone", zone),
    ...ofKind("pod", "pods", pod),
  ];
}
