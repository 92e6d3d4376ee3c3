// Positions of a ledger as users write them: an offset (`@1234`), a time, `HEAD`, or commits before it (`HEAD~3`). A time means
// what was committed by then. Why not the last record by then? In a ledger into which a recording was played, events have the
// times of the recording and commits those of the player: no packet met the rules of an event before its commit.

import type { Placed } from "../ledger/reader.ts";
import type { LedgerRecord } from "../ledger/record.ts";
import type { PlacedCommit } from "./cause.ts";
import { NotRecorded, type Past, WrongPosition } from "./past.ts";
import { parseTime, type ReaderClock } from "./time_expression.ts";

/** A position, parsed and not yet resolved to an offset. */
export type PositionExpression =
  | { readonly kind: "offset"; readonly offset: number }
  /** What was committed no later; in milliseconds since 1970. `text`: as a user wrote it. */
  | { readonly kind: "time"; readonly milliseconds: number; readonly text?: string }
  /** The commit that is `back` commits before the newest; 0 is the last record of any kind. */
  | { readonly kind: "head"; readonly back: number };

/** The last record of a ledger. */
export const HEAD: PositionExpression = { kind: "head", back: 0 };

/** Parses a position; else returns what is wrong with `text`. Without `clock` a time must be a date, and in UTC unless it says. */
export function parsePosition(text: string, clock?: ReaderClock): PositionExpression | string {
  const offset = /^@(\d+)$/.exec(text);
  if (offset) return { kind: "offset", offset: Number(offset[1]) };
  const head = /^HEAD(?:~(\d+))?$/.exec(text);
  if (head) return { kind: "head", back: Number(head[1] ?? 0) };
  const milliseconds = parseTime(text, clock);
  if (milliseconds !== undefined) return { kind: "time", milliseconds, text };
  return `${text}: a position is an offset (@1234), a time (2026-11-23T03:12:00Z, 03:12, 5m, yesterday 14:00), HEAD, or commits before it (HEAD~3)`;
}

/**
 * The offset that `position` means in `past`. A commit means the last record that it folded. Throws {@link WrongPosition}
 * where the position is outside the ledger.
 */
export function resolvePosition(position: PositionExpression, past: Past): number {
  switch (position.kind) {
    case "offset":
      return offsetWithin(past, position.offset);
    case "time":
      return offsetAtTime(past, position.milliseconds);
    case "head":
      requireTail(past);
      return position.back === 0 ? lastOffset(past) : offsetOfCommit(past, position.back);
  }
}

/** Offset of the newest record; undefined where there is none yet. */
export function lastOffsetOf(past: Past): number | undefined {
  return firstOf(past.newestFirst())?.offset;
}

function lastOffset(past: Past): number {
  const newest = lastOffsetOf(past);
  if (newest === undefined) throw new WrongPosition("the ledger has no records");
  return newest;
}

/** Throws NotRecorded where the tail was cut: its last records are not those that the ledger ended with. */
function requireTail(past: Past): void {
  const cut = past.cut();
  if (cut !== undefined) throw new NotRecorded(`${cut.text}; give an offset before @${cut.from}`);
}

function offsetWithin(past: Past, offset: number): number {
  const [first, last] = [past.first(), lastOffset(past)];
  if (offset > last) throw new WrongPosition(`@${offset}: the ledger ends at @${last}`);
  if (offset >= first) return offset;
  throw new WrongPosition(`@${offset}: the ledger begins at @${first}; what was before is not kept`);
}

/** What was committed by then. In a ledger without commits, which `record` writes: what was written by then. */
function offsetAtTime(past: Past, milliseconds: number): number {
  const commit = commitAtTime(past, milliseconds);
  if (commit !== undefined) {
    // Behind the last commit that is kept there may have been others.
    if (past.cut() !== undefined && isNewestCommit(past, commit)) requireTail(past);
    return commit.record.through;
  }
  for (const { record } of past.newestFirst({ kind: "commit" })) {
    if (isCommitted(record)) throw tooEarly(past);
  }
  const written = lastBy(past, milliseconds, ({ record }) => Date.parse(record.time));
  if (written?.offset === lastOffsetOf(past)) requireTail(past);
  if (written !== undefined) return written.offset;
  const oldest = firstOf(past.records());
  throw new WrongPosition(`the ledger begins at ${oldest?.record.time}, later than the time asked for`);
}

/** The last commit that the kernel accepted no later than `milliseconds` since 1970; undefined where none is kept. */
export function commitAtTime(past: Past, milliseconds: number): PlacedCommit | undefined {
  const found = lastBy(
    past,
    milliseconds,
    ({ record }) => isCommitted(record) ? Date.parse(record.time) : undefined,
  );
  return found?.record.kind === "commit" ? { offset: found.offset, record: found.record } : undefined;
}

function isNewestCommit(past: Past, { offset }: PlacedCommit): boolean {
  for (const placed of past.newestFirst({ kind: "commit" })) {
    if (isCommitted(placed.record)) return placed.offset === offset;
  }
  return true;
}

function isCommitted(record: LedgerRecord): boolean {
  return record.kind === "commit" && record.outcome === "committed";
}

function tooEarly(past: Past): WrongPosition {
  for (const { offset, record } of past.records()) {
    if (!isCommitted(record)) continue;
    const first = `the first commit that the ledger has is @${offset}, at ${record.time}`;
    return new WrongPosition(`nothing was committed by the time asked for: ${first}`);
  }
  return new WrongPosition("nothing was committed by the time asked for");
}

/** The time of a record in milliseconds since 1970; undefined for a record that is not searched. */
type TimeOf = (placed: Placed) => number | undefined;

/**
 * The last record whose time is not later than `milliseconds`. Times grow with offsets, unless the node's clock was set back:
 * then several answers are right, and this is one. Only one segment is read as a whole.
 */
function lastBy(past: Past, milliseconds: number, timeOf: TimeOf): Placed | undefined {
  const segments = past.segments();
  let [low, high] = [0, segments.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (firstTime(past, segments[middle], segments[middle + 1], timeOf) <= milliseconds) low = middle;
    else high = middle;
  }
  // The segments before it are read where the first record of a segment is one that is not searched.
  for (let at = low; at >= 0; at--) {
    let found: Placed | undefined;
    for (const placed of past.records(segments[at])) {
      if (placed.offset === segments[at + 1]) break;
      const time = timeOf(placed);
      if (time !== undefined && time <= milliseconds) found = placed;
    }
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The time of the first record of a segment that is searched; that of its first record where none is. */
function firstTime(past: Past, begin: number | undefined, end: number | undefined, timeOf: TimeOf): number {
  let first: number | undefined;
  for (const placed of past.records(begin)) {
    if (placed.offset === end) break;
    const time = timeOf(placed);
    if (time !== undefined) return time;
    first ??= Date.parse(placed.record.time);
  }
  return first ?? Infinity;
}

function offsetOfCommit(past: Past, back: number): number {
  let commits = 0;
  for (const { record } of past.newestFirst()) {
    if (record.kind !== "commit" || record.outcome !== "committed") continue;
    if (commits++ === back) return record.through;
  }
  throw new WrongPosition(`HEAD~${back}: the ledger has ${commits} commits`);
}

function firstOf(records: Iterable<Placed>): Placed | undefined {
  for (const placed of records) return placed;
  return undefined;
}
