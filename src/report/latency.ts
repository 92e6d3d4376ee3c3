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

/** Records, and which of them changed an element of the rules: as in the answer of the command `latency`, others are not measured. */
export interface MeasuredRecords {
  readonly records: readonly LedgerRecord[];
  /** Offset of the first record. */
  readonly first: number;
  /** Whether the fold of a record, by its index, changed an element. A step (`fold/steps.ts`) may have changed those of an event later. */
  readonly hasEffect: (index: number) => boolean;
}

/** Commits of `records`, in order. */
export function syncsOf(measured: MeasuredRecords): Sync[] {
  const triggers = newTriggers(measured.records);
  // What an event leaves behind may go with a later commit: its rules came with the first.
  const committed = new Set<EventRecord>();
  return measured.records.flatMap((record, i) => {
    if (record.kind !== "commit" || record.outcome !== "committed") return [];
    const events = eventsOf(measured, record).filter((event) => !committed.has(event));
    for (const event of events) committed.add(event);
    return [sync(events, measured.first + i, record, triggers)];
  });
}

/** The latencies of one commit, from the events whose rules it brought. */
function sync(
  events: readonly EventRecord[],
  offset: number,
  commit: CommitRecord,
  triggers: ReadonlyMap<LedgerRecord, number>,
): Sync {
  const { time, operations, microseconds } = commit;
  const committed = Date.parse(time);
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

/** Milliseconds from trigger to arrival, of every new change of endpoints that changed rules. */
export function triggerToArrival(measured: MeasuredRecords): number[] {
  const { records, hasEffect } = measured;
  const effective = new Set(records.filter((_, i) => hasEffect(i)));
  for (const record of records) {
    if (record.kind === "commit") { for (const event of eventsOf(measured, record)) effective.add(event); }
  }
  return [...newTriggers(records)].filter(([event]) => effective.has(event))
    .map(([{ time }, trigger]) => Date.parse(time) - trigger);
}

/** The events that are causes of changes in `commit`; all events with an effect that it folded, where its record omits changes. */
function eventsOf(
  { records, first, hasEffect }: MeasuredRecords,
  { from, through, changes, changesOmitted }: CommitRecord,
): EventRecord[] {
  const folded = Array.from({ length: through - from + 1 }, (_, i) => from + i)
    .filter((offset) => offset >= first && hasEffect(offset - first));
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
