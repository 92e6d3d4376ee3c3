// How long news takes to become rules, as far as a ledger knows: when the change began (the trigger time that the
// EndpointSlice controller writes), when its event arrived, when the kernel had said yes. When a record was appended is
// not recorded; it lies between arrival and commit.

import { describeKey, TRIGGER } from "../kube/objects.ts";
import type { CommitRecord, EventRecord, LedgerRecord } from "../ledger/record.ts";

/** One commit that the kernel took, and how late it was. All times in milliseconds. */
export interface Sync {
  /** Offset of the commit's record. */
  readonly offset: number;
  /** Since 1970. */
  readonly time: number;
  readonly operations: number;
  /** Time in the kernel. */
  readonly microseconds: number;
  /** Of each event that changed something: from its arrival to the commit. What changes nothing waits for no commit. */
  readonly fromArrival: readonly number[];
  /** Of each of those that tells of a new change of endpoints: from its trigger to the commit. */
  readonly fromTrigger: readonly number[];
}

/** Why a window's times cannot be compared; undefined where they can. */
export type ClockProblem = "played" | undefined;

/** Arrival may lie this far before the commit written ahead of it while a batch waits for its turn. */
const WAITING_MILLISECONDS_MAX = 60_000;

/** Commits of `records`, whose first has offset `first`, in order. */
export function syncsOf(records: readonly LedgerRecord[], first: number): Sync[] {
  const triggers = newTriggers(records);
  return records.flatMap((record, i) => {
    if (record.kind !== "commit" || record.outcome !== "committed") return [];
    return [sync(records, first, first + i, record, triggers)];
  });
}

function sync(
  records: readonly LedgerRecord[],
  first: number,
  offset: number,
  commit: CommitRecord,
  triggers: ReadonlyMap<LedgerRecord, number>,
): Sync {
  const { time, operations, microseconds } = commit;
  const committed = Date.parse(time);
  const events = eventsOf(records, first, commit);
  return {
    offset,
    time: committed,
    operations,
    microseconds,
    fromArrival: events.map((event) => committed - Date.parse(event.time)),
    fromTrigger: events.flatMap((event) => {
      const trigger = triggers.get(event);
      return trigger === undefined ? [] : [committed - trigger];
    }),
  };
}

/** Milliseconds from trigger to arrival, of every new change of endpoints. */
export function triggerToArrival(records: readonly LedgerRecord[]): number[] {
  return [...newTriggers(records)].map(([{ time }, trigger]) => Date.parse(time) - trigger);
}

/** The events that `commit` names as causes; all it folded, where it had no room for the names. */
function eventsOf(
  records: readonly LedgerRecord[],
  first: number,
  { from, through, changes, changesOmitted }: CommitRecord,
): EventRecord[] {
  const folded = Array.from({ length: through - from + 1 }, (_, i) => from + i);
  const causes = changesOmitted > 0 ? folded : new Set(changes.map(({ cause }) => cause));
  return [...causes].map((offset) => records[offset - first])
    .filter((record): record is EventRecord => record?.kind === "event");
}

/**
 * Trigger times by event, each where it is new for its slice. What began before anything here arrived was found, not
 * followed: a start would look as late as its cluster is old.
 */
function newTriggers(records: readonly LedgerRecord[]): Map<LedgerRecord, number> {
  const started = Math.min(
    ...records.filter(({ kind }) => kind === "event").slice(0, 1).map(({ time }) => Date.parse(time)),
  );
  const known = new Map<string, string>();
  const found = new Map<LedgerRecord, number>();
  for (const record of records) {
    if (record.kind !== "event" || record.key.kind !== "EndpointSlice") continue;
    const name = describeKey(record.key);
    const text = record.value?.metadata.annotations?.[TRIGGER];
    if (text === undefined || known.get(name) === text) continue;
    known.set(name, text);
    const trigger = Date.parse(text);
    if (trigger >= started) found.set(record, trigger);
  }
  return found;
}

/**
 * `played`: arrival times are those of a recording that was played into this ledger, on another clock than its commits.
 * An event that arrives is committed next, so none can have arrived long before a commit that does not hold it.
 */
export function clockProblem(records: readonly LedgerRecord[]): ClockProblem {
  let committed = -Infinity;
  for (const record of records) {
    const time = Date.parse(record.time);
    if (record.kind === "commit") committed = Math.max(committed, time);
    else if (record.kind === "event" && time < committed - WAITING_MILLISECONDS_MAX) return "played";
  }
  return undefined;
}

/** The smallest of `values` that at least the share `rank` (0 to 1) of them does not exceed; undefined of none. */
export function percentile(values: readonly number[], rank: number): number | undefined {
  if (values.length === 0) return undefined;
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(rank * sorted.length) - 1)];
}
