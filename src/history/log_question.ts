// What a log is asked for: changes, or the records themselves, that meet every given condition, newest first.

import type { LedgerDamage } from "../ledger/damage.ts";
import type { Placed } from "../ledger/reader.ts";
import type { LedgerRecord } from "../ledger/record.ts";
import type { Search } from "../ledger/terms.ts";
import {
  type ChangeFilter,
  type ChangeKind,
  changesAbout,
  commitsBringing,
  filterOf,
  type LoggedChange,
} from "./changes_log.ts";
import { journalBackward } from "./journal_reading.ts";
import { recordsAbout } from "./log.ts";
import type { PortChoice, Subject } from "./names.ts";
import type { Past } from "./past.ts";
import { type PositionExpression, resolvePosition } from "./position_expression.ts";
import { requireOrder, type Span } from "./window.ts";

/** The conditions. A condition that is left out is met by everything. */
export interface LogConditions {
  /** What a change must concern: each of these. */
  readonly subjects: readonly Subject[];
  readonly namespace?: string;
  readonly kind?: LedgerRecord["kind"];
  readonly change?: ChangeKind;
  /** After this. A time is compared with the times of records, whatever was committed by then. */
  readonly since?: PositionExpression;
  /** Up to this; a time as above. */
  readonly until?: PositionExpression;
}

/** The two forms of the answer, each between two offsets, so that a log that is followed can go on. */
export interface LogAnswer {
  changes(through: number, from?: number): Generator<LoggedChange>;
  records(through: number, from?: number): Generator<Placed>;
}

/** What meets `conditions` in `past`. Pods are those that the state at offset `last` knows; a node was in a zone when the record came. */
export function logOf(past: Past, last: number, conditions: LogConditions): LogAnswer {
  const range = rangeOf(past, conditions);
  const within = (through: number, from: number): Span => ({
    from: Math.max(from, range.from),
    through: Math.min(through, range.through),
  });
  const search = searchOf(conditions, range);
  const ports = conditions.subjects.find((subject) => subject.kind === "service")?.port;
  let filter: ChangeFilter | undefined;
  const changes = function* (through: number, from = 0): Generator<LoggedChange> {
    const { kind, ...others } = conditions;
    // What a commit is about are the changes that it brought: it names elements alone.
    const brought = kind === "commit" && isAboutPart(conditions);
    filter ??= filterFor(past, last, brought ? others : conditions, range);
    const span = within(through, from);
    yield* (brought ? commitsBringing : changesAbout)(past, span.through, filter, span.from);
  };
  return {
    changes,
    records: search === undefined
      ? (through, from) => recordsOf(past, changes(through, from))
      : (through, from = 0) => {
        const found = recordsFound(past, search, within(through, from));
        return ports === undefined ? found : recordsOfPorts(found, changes(through, from), ports);
      },
  };
}

/** Whether the conditions ask for the changes of some objects, or for some changes of them. */
function isAboutPart({ subjects, namespace, change }: LogConditions): boolean {
  return subjects.length > 0 || namespace !== undefined || change !== undefined;
}

/**
 * Up to where a ledger that is followed can be printed: the last record that a commit folded, or that a rejection, drift or a gap
 * follows. What comes after it is printed with its commit, some milliseconds later. Without commits all can be printed.
 */
export function settledThrough(past: Past, last: number): number {
  for (const entry of journalBackward(past, last, { details: false })) {
    if (entry.commit?.accepted) return entry.offset === last ? last : entry.commit.through;
    if (entry.kind !== "event" && entry.kind !== "config" && entry.waited === undefined) return entry.offset;
  }
  return last;
}

/**
 * The last record before `damage`, where a log up to `until` ends before that: it can be read without what is behind. Times grow with
 * offsets, so what follows a record that is too late is too late as well.
 */
export function lastBefore(
  past: Past,
  damage: LedgerDamage,
  until: PositionExpression | undefined,
): number | undefined {
  const before = (damage.offset ?? 0) - 1;
  if (before < past.first()) return undefined;
  if (until?.kind === "offset") return until.offset <= before ? before : undefined;
  if (until?.kind !== "time") return undefined;
  const last = past.lookup()(before);
  return last !== undefined && Date.parse(last.record.time) > until.milliseconds ? before : undefined;
}

/** A range of offsets, and of the times of records. */
interface Range extends Span {
  readonly times: Pick<Search, "since" | "until">;
}

function rangeOf(past: Past, { since, until }: LogConditions): Range {
  const place = (position: PositionExpression | undefined, otherwise: number) =>
    position === undefined || position.kind === "time" ? otherwise : resolvePosition(position, past);
  requireOrder(since, until);
  const [from, through] = [place(since, -1) + 1, place(until, Infinity)];
  requireOrder({ kind: "offset", offset: from - 1 }, { kind: "offset", offset: through });
  return {
    ...{ from, through },
    times: {
      ...(since?.kind === "time" ? { since: since.milliseconds } : {}),
      ...(until?.kind === "time" ? { until: until.milliseconds } : {}),
    },
  };
}

/** The conditions as a filter of changes. Only some subjects need a state, which takes a fold. */
function filterFor(past: Past, last: number, conditions: LogConditions, { times }: Range): ChangeFilter {
  const { subjects, kind, change, namespace } = conditions;
  return joined([
    ...subjects.map((subject) => filterOf(subject, past, last)),
    {
      ...(kind === undefined ? {} : { kind }),
      ...(change === undefined ? {} : { change }),
      ...(namespace === undefined ? {} : { namespace }),
      ...times,
    },
  ]);
}

/** A filter that wants what all of `filters` want. */
function joined(filters: readonly ChangeFilter[]): ChangeFilter {
  const all: ChangeFilter = Object.assign({}, ...filters);
  const endpoint = filters.flatMap(({ endpoint }) => endpoint ?? []);
  if (endpoint.length === 0) return all;
  // What only one of several conditions could know, such as a text with an address, cannot be known to meet the others.
  const { mentions: _, ...rest } = all;
  const mentions = endpoint.length === 1 ? all.mentions : undefined;
  return {
    ...rest,
    endpoint: (change, offset) => endpoint.every((isWanted) => isWanted(change, offset)),
    ...(mentions === undefined ? {} : { mentions }),
  };
}

/** The conditions as a search of records by their content; undefined where only the journal knows what meets them. */
function searchOf(
  { subjects, change, kind, namespace }: LogConditions,
  { times }: Range,
): Search | undefined {
  if (change !== undefined) return undefined;
  let search: Search = {
    ...(kind === undefined ? {} : { kind }),
    ...(namespace === undefined ? {} : { namespace }),
    ...times,
  };
  for (const subject of subjects) {
    if (subject.kind === "service") search = { ...search, service: subject.service };
    else if (subject.kind === "namespace") search = { ...search, namespace: subject.namespace };
    else if (subject.kind === "address") search = { ...search, address: subject.address };
    else return undefined;
  }
  return search;
}

/** The records that a search finds by their content: commits too. */
function* recordsFound(past: Past, search: Search, { from, through }: Span): Generator<Placed> {
  for (const placed of recordsAbout(past, search, through)) {
    if (placed.offset < from) return;
    yield placed;
  }
}

/** Of `found`, records about a Service, those that `changes` has of its ports, and the commits that changed elements of these. */
function* recordsOfPorts(
  found: Iterable<Placed>,
  changes: Iterator<LoggedChange>,
  { ports }: PortChoice,
): Generator<Placed> {
  const names = new Set<string | undefined>(ports.map(({ name }) => name));
  let next = changes.next();
  for (const placed of found) {
    const { offset, record } = placed;
    while (!next.done && next.value.entry.offset > offset) next = changes.next();
    const isChange = !next.done && next.value.entry.offset === offset;
    if (
      isChange || record.kind === "commit" && record.changes.some(({ comment }) => names.has(comment))
    ) {
      yield placed;
    }
  }
}

/** The records of changes, where they are kept. */
function* recordsOf(past: Past, changes: Iterable<LoggedChange>): Generator<Placed> {
  const lookup = past.lookup();
  for (const { entry: { offset } } of changes) {
    const placed = lookup(offset);
    if (placed !== undefined) yield placed;
  }
}
