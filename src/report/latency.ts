// How long a change takes to become rules, from three times that a ledger has: the trigger time, at which the
// EndpointSlice controller says that the change began; the arrival of its event; the kernel's acknowledgement of the
// commit. The time at which a record was appended is between arrival and commit, and is not recorded.

import { describeKey, TRIGGER } from "../kube/objects.ts";
import type { CommitRecord, EventRecord, LedgerRecord } from "../ledger/record.ts";
import { INBOX_MILLISECONDS_MAX } from "../limits/input.ts";

/** One commit that the kernel accepted, with its latencies in milliseconds. */
export interface Sync {
  /** Offset of the commit's record. */
  readonly offset: number;
  /** Since 1970. */
  readonly time: number;
  readonly operations: number;
  /** Time in the kernel. */
  readonly microseconds: number;
  /**
   * From arrival to commit, for each event that caused a change. Events without one are left out: they need no commit.
   */
  readonly fromArrival: readonly number[];
  /** From trigger to commit, for those of these events that have a new trigger time. */
  readonly fromTrigger: readonly number[];
}

/** Why arrival and commit times of a window cannot be compared; undefined where they can. */
export type ClockProblem = "played" | undefined;

/** Commits of `records`, whose first has offset `first`, in order. */
export function syncsOf(records: readonly LedgerRecord[], first: number): Sync[] {
  const triggers = newTriggers(records);
  return records.flatMap((record, i) => {
    if (record.kind !== "commit" || record.outcome !== "committed") return [];
    return [sync(records, first, first + i, record, triggers)];
  });
}

/** The latencies of one commit, from the events that are its causes. */
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

/** The events that are causes of changes in `commit`; all events that it folded, where its record omits changes. */
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
 * The trigger time of each event that has another one than the last event of its slice. Triggers from before the first
 * event are left out: the program was not running then, and a start would look as late as its cluster is old.
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
 * `played`: a recording was played into this ledger, so arrivals have the clock of the recording and commits that of
 * the player. It is found by an event that arrived long before a commit that precedes it: a running program commits an
 * event within moments of its arrival.
 */
export function clockProblem(records: readonly LedgerRecord[]): ClockProblem {
  let committed = -Infinity;
  for (const record of records) {
    const time = Date.parse(record.time);
    if (record.kind === "commit") committed = Math.max(committed, time);
    else if (record.kind === "event" && time < committed - INBOX_MILLISECONDS_MAX) return "played";
  }
  return undefined;
}
