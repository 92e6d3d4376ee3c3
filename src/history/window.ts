// Cuts a window out of a ledger, for a report: the state at its beginning, the causes of that state's elements, and the
// records in it.

import type { ClusterState } from "../fold/cluster_state.ts";
import { assert } from "../invariant.ts";
import type { Placed } from "../ledger/reader.ts";
import type { LedgerRecord } from "../ledger/record.ts";
import { REPORT_RECORDS } from "../limits/questions.ts";
import { type Cause, causeAt } from "./cause.ts";
import { type Past, type PastState, stateAt, WrongPosition } from "./past.ts";
import {
  commitAtTime,
  hasCommits,
  HEAD,
  type PositionExpression,
  resolvePosition,
} from "./position_expression.ts";
import { rfc3339 } from "./time_expression.ts";

/** The bounds of a window. */
export interface WindowBounds {
  /** The window begins with the state there. Absent, or before the oldest record: it begins with the oldest record. */
  readonly since?: PositionExpression;
  /** The last record; absent: the newest. */
  readonly until?: PositionExpression;
  /** At most so many records: the newest. */
  readonly records: number;
  /** At most so many characters of JSON: of the newest records. A window has at least one record. */
  readonly bytes: number;
}

/** A window. */
export interface Window {
  /** Offset of the first record. */
  readonly first: number;
  readonly records: readonly LedgerRecord[];
  /** The state before it; undefined where the window begins with the ledger. */
  readonly state: ClusterState | undefined;
  /** The causes of that state's elements, by offset. */
  readonly causes: readonly Cause[];
  /** Name of the node, as the newest configuration says. */
  readonly node: string;
  readonly leftOut: OutsideWindow;
}

/** What is kept of a ledger outside a window. */
export interface OutsideWindow {
  /** How many records are before the window, and how many after it. */
  readonly before: number;
  readonly after: number;
  /** When the oldest and the newest record that is kept were written, RFC 3339. */
  readonly oldest: string;
  readonly newest: string;
}

/** The window of `past` within `bounds`; undefined where no record is between them. Throws WrongPosition. */
export function windowOf(
  past: Past,
  { since, until, records: most, bytes }: WindowBounds,
): Window | undefined {
  const last = recordAt(past, until ?? HEAD);
  const kept = past.first();
  const [oldest] = past.records();
  assert(oldest !== undefined, "a ledger with a last record has a first");
  let newest: Placed | undefined;
  // It may be behind damage that the window does not reach.
  past.damageIn(() => [newest] = past.newestFirst());
  const begin = since === undefined || isBefore(past, since, oldest.record)
    ? kept
    : recordAt(past, since) + 1;
  const records = newestRecords(past, Math.max(begin, last + 1 - Math.ceil(most)), last, bytes);
  if (records.length === 0) return undefined;
  const first = last + 1 - records.length;
  const before = first === 0 ? undefined : stateAt(past, first - 1);
  return {
    first,
    records,
    state: before?.state,
    causes: before === undefined ? [] : causesOf(before),
    node: nodeName(records, before),
    leftOut: {
      before: first - kept,
      after: (newest?.offset ?? last) - last,
      oldest: oldest.record.time,
      newest: (newest?.record ?? records.at(-1)!).time,
    },
  };
}

/** Whether `since` is a time before the oldest record, or before the oldest commit: then all records are meant. */
function isBefore(past: Past, since: PositionExpression, oldest: LedgerRecord): boolean {
  if (since.kind !== "time") return false;
  if (since.milliseconds < Date.parse(oldest.time)) return true;
  return commitAtTime(past, since.milliseconds) === undefined && hasCommits(past);
}

/** The record that a position means. A time means the commit by then: its record belongs to what it committed. */
function recordAt(past: Past, position: PositionExpression): number {
  const commit = position.kind === "time" ? commitAtTime(past, position.milliseconds) : undefined;
  return commit?.offset ?? resolvePosition(position, past);
}

/** A range of records. */
export interface Span {
  /** Offset of the first record. */
  readonly from: number;
  /** Offset of the last one. */
  readonly through: number;
}

/** The records after `since`, or all that are kept, up to `until`, or the newest. Throws WrongPosition, also where they are reversed. */
export function spanOf(past: Past, since?: PositionExpression, until: PositionExpression = HEAD): Span {
  requireOrder(since, until);
  const from = since === undefined ? past.first() : firstAfter(past, since);
  const through = recordAt(past, until);
  requireOrder({ kind: "offset", offset: from - 1 }, { kind: "offset", offset: through });
  return { from, through };
}

/** Throws WrongPosition where a range would end before it begins: each question would answer in its own way. It may be empty. */
export function requireOrder(
  since: PositionExpression | undefined,
  until: PositionExpression | undefined,
): void {
  const reversed = since?.kind === "time" && until?.kind === "time"
    ? since.milliseconds > until.milliseconds
    : since?.kind === "offset" && until?.kind === "offset" && since.offset > until.offset;
  if (!reversed) return;
  throw new WrongPosition(
    `since ${positionText(since!)} until ${positionText(until!)}: the range ends before it begins; swap them`,
  );
}

function positionText(position: PositionExpression): string {
  if (position.kind === "time") return position.text ?? rfc3339(position.milliseconds);
  return position.kind === "offset" ? `@${position.offset}` : `HEAD~${position.back}`;
}

/** The first record after `since`. Before the oldest record, or the oldest commit, that is the oldest record. */
function firstAfter(past: Past, since: PositionExpression): number {
  if (since.kind !== "time") return resolvePosition(since, past) + 1;
  const commit = commitAtTime(past, since.milliseconds);
  if (commit !== undefined) return commit.offset + 1;
  const [oldest] = past.records();
  const early = oldest === undefined || since.milliseconds < Date.parse(oldest.record.time);
  return early || hasCommits(past) ? past.first() : resolvePosition(since, past) + 1;
}

/** The records from offset `begin` to `last`; only the newest of them where all together exceed `bytesMax` of JSON. */
function newestRecords(past: Past, begin: number, last: number, bytesMax: number): LedgerRecord[] {
  const records: LedgerRecord[] = [];
  const sizes: number[] = [];
  const counted = past.progress("records read from the ledger");
  let [bytes, dropped] = [0, 0];
  for (const { record } of past.records(begin, last)) {
    records.push(record);
    bytes += sizes[sizes.push(JSON.stringify(record).length) - 1]!;
    while (bytes > bytesMax && dropped < records.length - 1) bytes -= sizes[dropped++]!;
    // Dropped records are removed in bulk: to remove one costs a copy of all the others.
    if (dropped > REPORT_RECORDS) {
      records.splice(0, dropped);
      sizes.splice(0, dropped);
      dropped = 0;
    }
    counted(records.length);
  }
  return records.slice(dropped);
}

function nodeName(records: readonly LedgerRecord[], before: PastState | undefined): string {
  const config = records.findLast((record) => record.kind === "config");
  return config?.kind === "config" ? config.nodeName : before?.state.node.name ?? "";
}

function causesOf({ state, lookup }: PastState): Cause[] {
  const offsets = new Set([...state.causes.values()].flatMap((causes) => [...causes.values()]));
  return [...offsets].sort((a, b) => a - b).map((offset) => causeAt(lookup, offset));
}
