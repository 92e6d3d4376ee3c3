// Positions of a ledger as users write them: an offset (`@1234`), a time, `HEAD`, or commits before it (`HEAD~3`). A time means
// what was committed by then. Why not the last record by then? In a ledger into which a recording was played, events have the
// times of the recording and commits those of the player: no packet met the rules of an event before its commit.

import { countText } from "../count_text.ts";
import type { LedgerDamage } from "../ledger/damage.ts";
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
  const [, hours, minutes] = /^([01]\d|2[0-3])([0-5]\d)$/.exec(text) ?? [];
  const asTime = hours === undefined ? "" : `, a time ${hours}:${minutes}`;
  const written = /^\d+$/.test(text) ? `an offset is written @${text}${asTime}; ` : "";
  return `${text}: ${written}a position is an offset (@1234), a time (2026-11-23T03:12:00Z, 03:12, 5m, yesterday 14:00), HEAD, or commits before it (HEAD~3)`;
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
      return position.back === 0 ? lastOffset(past) : commitBack(past, position.back).record.through;
  }
}

/**
 * The offset up to which the ledger was written at `position`: for a commit its own record. As {@link resolvePosition} has it, no
 * commit has brought its last record to the kernel yet. Throws as that does.
 */
export function resolveWritten(position: PositionExpression, past: Past): number {
  const offset = resolvePosition(position, past);
  if (position.kind === "time") return commitAtTime(past, position.milliseconds)?.offset ?? offset;
  return position.kind === "head" && position.back > 0 ? commitBack(past, position.back).offset : offset;
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
  const first = past.first();
  if (offset < first) {
    throw new WrongPosition(`@${offset}: the ledger begins at @${first}; what was before is not kept`);
  }
  // The end may be damaged, and need not be read for a position in a segment before the last.
  if (offset < (past.segments().at(-1) ?? first)) return offset;
  let last = offset;
  past.damageIn(() => last = lastOffset(past));
  if (offset > last) throw new WrongPosition(`@${offset}: the ledger ends at @${last}`);
  return offset;
}

/** What was committed by then. In a ledger without commits, which `record` writes: what was written by then. */
function offsetAtTime(past: Past, milliseconds: number): number {
  const commit = commitAtTime(past, milliseconds);
  if (commit !== undefined) {
    // Behind the last commit that is kept there may have been others.
    if (past.cut() !== undefined && isNewestCommit(past, commit)) requireTail(past);
    return commit.record.through;
  }
  if (hasCommits(past)) throw tooEarly(past);
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

/** Whether the ledger has a commit that the kernel accepted. */
export function hasCommits(past: Past): boolean {
  let found = false;
  const lookIn = (records: Iterable<Placed>) =>
    past.damageIn(() => {
      found = Iterator.from(records).some(({ record }) => isCommitted(record));
    });
  // Where the newest cannot be read, those before the damage may have one.
  const damage = lookIn(past.newestFirst({ kind: "commit" })) && lookIn(past.records());
  if (!found && damage !== undefined) throw damage;
  return found;
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
 * then several answers are right, and this is one. Only one segment is read as a whole. Throws LedgerDamage where no record before
 * the damage is later: it may be behind it.
 */
function lastBy(past: Past, milliseconds: number, timeOf: TimeOf): Placed | undefined {
  let newest: Placed | undefined;
  past.damageIn(() => {
    newest = Iterator.from(past.newestFirst()).find((placed) => timeOf(placed) !== undefined);
  });
  if (newest !== undefined && timeOf(newest)! <= milliseconds) return newest;
  const segments = past.segments();
  let [low, high] = [0, segments.length];
  // From the newest back, in steps that double. Why not halves at once? Of a clock that was ahead once, and was set back, one would hit
  // the segments, and take all that follows for later.
  for (let [at, step] = [high - 1, 1]; at > low; at -= step, step *= 2) {
    const first = firstTime(past, at, timeOf);
    if (typeof first !== "number") continue;
    if (first <= milliseconds) low = at;
    else high = at;
  }
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    let [at, first] = [middle, firstTime(past, middle, timeOf)];
    // The first segment from there on whose beginning can be read.
    while (typeof first !== "number" && ++at < high) first = firstTime(past, at, timeOf);
    if (typeof first === "number" && first <= milliseconds) low = at;
    else high = middle;
  }
  // The segments before it are read where the first record of a segment is one that is not searched.
  for (let at = low; at >= 0; at--) {
    let found: Placed | undefined;
    let isBefore = false;
    let damage = past.damageIn(() => {
      for (const placed of recordsOfSegment(past, at)) {
        const time = timeOf(placed) ?? NaN;
        if (time <= milliseconds) found = placed;
        isBefore ||= time > milliseconds;
      }
    });
    if (at === low && at + 1 < segments.length) {
      const after = firstTime(past, at + 1, timeOf);
      if (typeof after !== "number") damage ??= after;
    }
    if (damage !== undefined && !isBefore) throw damage;
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * The time of the first record of a segment that is searched, or that of its first record where none is; the damage before which none
 * is.
 */
function firstTime(past: Past, segment: number, timeOf: TimeOf): number | LedgerDamage {
  let first: number | undefined;
  let searched: number | undefined;
  const damage = past.damageIn(() => {
    for (const placed of recordsOfSegment(past, segment)) {
      first ??= Date.parse(placed.record.time);
      searched = timeOf(placed);
      if (searched !== undefined) return;
    }
  });
  return searched ?? damage ?? first ?? Infinity;
}

/** The records of the segment that is so many segments behind the first. */
function recordsOfSegment(past: Past, segment: number): Iterable<Placed> {
  const segments = past.segments();
  return past.records(segments[segment], (segments[segment + 1] ?? Infinity) - 1);
}

function commitBack(past: Past, back: number): PlacedCommit {
  let commits = 0;
  for (const { offset, record } of past.newestFirst()) {
    if (record.kind !== "commit" || record.outcome !== "committed") continue;
    if (commits++ === back) return { offset, record };
  }
  throw new WrongPosition(`HEAD~${back}: the ledger has ${countText(commits, "commit")}`);
}

function firstOf(records: Iterable<Placed>): Placed | undefined {
  for (const placed of records) return placed;
  return undefined;
}
