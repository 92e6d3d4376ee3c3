// Positions of a ledger as users write them: an offset (`@1234`), a time, `HEAD`, or commits before it (`HEAD~3`).

import type { Placed } from "../ledger/reader.ts";
import { NotRecorded, type Past, WrongPosition } from "./past.ts";

/** A position, parsed and not yet resolved to an offset. */
export type PositionExpression =
  | { readonly kind: "offset"; readonly offset: number }
  /** The last record that was written no later; in milliseconds since 1970. */
  | { readonly kind: "time"; readonly milliseconds: number }
  /** The commit that is `back` commits before the newest; 0 is the last record of any kind. */
  | { readonly kind: "head"; readonly back: number };

/** The last record of a ledger. */
export const HEAD: PositionExpression = { kind: "head", back: 0 };

/** Parses a position; else returns what is wrong with `text`. */
export function parsePosition(text: string): PositionExpression | string {
  const offset = /^@(\d+)$/.exec(text);
  if (offset) return { kind: "offset", offset: Number(offset[1]) };
  const head = /^HEAD(?:~(\d+))?$/.exec(text);
  if (head) return { kind: "head", back: Number(head[1] ?? 0) };
  const milliseconds = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : NaN;
  if (!Number.isNaN(milliseconds)) return { kind: "time", milliseconds };
  return `${text}: a position is an offset (@1234), a time (2026-11-23T03:12:00Z), HEAD, or commits before it (HEAD~3)`;
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

function lastOffset(past: Past): number {
  const newest = firstOf(past.newestFirst());
  if (newest === undefined) throw new WrongPosition("the ledger has no records");
  return newest.offset;
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

/** Times grow with offsets, unless the node's clock was set back: then several answers are right, and this is one. */
function offsetAtTime(past: Past, milliseconds: number): number {
  const [begin, end] = segmentAtTime(past, milliseconds);
  let found: number | undefined;
  for (const { offset, record } of past.records(begin)) {
    if (offset === end) break;
    if (Date.parse(record.time) <= milliseconds) found = offset;
  }
  if (found !== undefined && end === undefined && found === lastOffset(past)) requireTail(past);
  if (found !== undefined) return found;
  const oldest = firstOf(past.records());
  throw new WrongPosition(`the ledger begins at ${oldest?.record.time}, later than the time asked for`);
}

/** The offsets at which the last segment that is not later than `milliseconds` begins and ends: only that one is read. */
function segmentAtTime(
  past: Past,
  milliseconds: number,
): [begin: number | undefined, end: number | undefined] {
  const segments = past.segments();
  let [low, high] = [0, segments.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    const begins = Date.parse(firstOf(past.records(segments[middle]))?.record.time ?? "");
    if (begins <= milliseconds) low = middle;
    else high = middle;
  }
  return [segments[low], segments[high]];
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
