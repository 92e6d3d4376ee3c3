// A window of a ledger: the state at its beginning, the records that made that state so, and the records in it. A report
// shows one.

import type { ClusterState } from "../fold/cluster_state.ts";
import { assert } from "../invariant.ts";
import type { LedgerRecord } from "../ledger/record.ts";
import { REPORT_RECORDS } from "../limits.ts";
import { type Cause, causeAt } from "./cause.ts";
import { type Past, type PastState, stateAt } from "./past.ts";
import { HEAD, type PositionExpression, resolvePosition } from "./position_expression.ts";

/** Which records are wanted. */
export interface WindowBounds {
  /** The window begins with the state there; left out or earlier than all there is: with the oldest record. */
  readonly since?: PositionExpression;
  /** The last record; left out: the newest. */
  readonly until?: PositionExpression;
  /** Only so many, the newest. */
  readonly records: number;
  /** Only so much JSON of records, the newest. At least one record is in a window. */
  readonly bytes: number;
}

/** See the head of this file. */
export interface Window {
  /** Offset of the first record. */
  readonly first: number;
  readonly records: readonly LedgerRecord[];
  /** The state before it; undefined where the window begins with the ledger. */
  readonly state: ClusterState | undefined;
  /** The records before the window that made elements of that state what they are, in order. */
  readonly causes: readonly Cause[];
  /** Name of the node, as the newest configuration says. */
  readonly node: string;
  readonly leftOut: OutsideWindow;
}

/** What of a ledger is not in a window. */
export interface OutsideWindow {
  /** Records that are kept before the window, and behind it. */
  readonly before: number;
  readonly after: number;
  /** When the oldest record that is kept was written, and the newest: RFC 3339. */
  readonly oldest: string;
  readonly newest: string;
}

/** The window of `past` within `bounds`; undefined where no record is between them. Throws WrongPosition. */
export function windowOf(
  past: Past,
  { since, until, records: most, bytes }: WindowBounds,
): Window | undefined {
  const last = resolvePosition(until ?? HEAD, past);
  const kept = past.first();
  const [oldest] = past.records();
  const [newest] = past.newestFirst();
  assert(oldest !== undefined && newest !== undefined, "a ledger with a last record has a first");
  const begin = since === undefined || isBefore(since, oldest.record)
    ? kept
    : resolvePosition(since, past) + 1;
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
      after: newest.offset - last,
      oldest: oldest.record.time,
      newest: newest.record.time,
    },
  };
}

/** Whether the time `since` is earlier than all there is: then all of it is meant. */
function isBefore(since: PositionExpression, oldest: LedgerRecord): boolean {
  return since.kind === "time" && since.milliseconds < Date.parse(oldest.time);
}

/** Records from offset `begin` to `last`; fewer, the newest, where they have more than `bytesMax` of JSON. */
function newestRecords(past: Past, begin: number, last: number, bytesMax: number): LedgerRecord[] {
  const records: LedgerRecord[] = [];
  const sizes: number[] = [];
  const counted = past.progress("records read from the ledger");
  let [bytes, dropped] = [0, 0];
  for (const { offset, record } of past.records(begin)) {
    if (offset > last) break;
    records.push(record);
    bytes += sizes[sizes.push(JSON.stringify(record).length) - 1]!;
    while (bytes > bytesMax && dropped < records.length - 1) bytes -= sizes[dropped++]!;
    // Dropped records leave the memory now and then: each time would cost a copy of the rest.
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
