// Reads the journal of a ledger, forward or backward, a segment at a time. What a closed segment's journal is was worked out once and
// is kept beside it. That of the segment being written is worked out by each program, and continued when the segment has grown.

import { type ClusterState, emptyState } from "../fold/cluster_state.ts";
import { journalEntries, type JournalEntry, type WaitingEvents } from "./journal.ts";
import { type JournalPart, journalText, readJournalText } from "./journal_text.ts";
import { type Past, stateAt } from "./past.ts";

const WHOLE: JournalPart = { details: true };

/** The entries of the records from offset `from` to `through`, in order; only `part` of them. */
export function* journalFrom(
  past: Past,
  from: number,
  through: number,
  part: JournalPart = WHOLE,
): Generator<JournalEntry> {
  const segments = past.segments();
  const counted = past.progress("records of the journal");
  let end: ClusterState | undefined;
  for (const [i, first] of segments.entries()) {
    const next = segments[i + 1];
    if ((next ?? Infinity) <= from) continue;
    if (first > through) return;
    let entries = keptJournal(past, first, next, part);
    if (entries === undefined) {
      const tail = folded(past, first, next, end);
      [entries, end] = [tail.entries, tail.state];
    }
    for (const entry of entries) {
      if (entry.offset >= from && entry.offset <= through && isWanted(entry, part)) yield entry;
    }
    counted(next ?? first);
  }
}

/** As {@link journalFrom}, from `through` back to the oldest record that is kept. */
export function* journalBackward(
  past: Past,
  through: number,
  part: JournalPart = WHOLE,
): Generator<JournalEntry> {
  const segments = past.segments();
  const counted = past.progress("segments of the journal");
  for (let i = segments.length - 1; i >= 0; i--) {
    const [first, next] = [segments[i]!, segments[i + 1]];
    if (first > through) continue;
    const entries = keptJournal(past, first, next, part) ?? folded(past, first, next, undefined).entries;
    for (let at = entries.length - 1; at >= 0; at--) {
      const entry = entries[at]!;
      if (entry.offset <= through && isWanted(entry, part)) yield entry;
    }
    counted(segments.length - i);
  }
}

/**
 * The state after the record at offset `through`, for readers that do not change it. It is the one that the journal of the newest
 * segment was worked out with, where that ends there: to fold a segment twice would double the time of a question.
 */
export function stateToRead(past: Past, through: number): ClusterState {
  const newest = past.segments().at(-1);
  const tail = newest !== undefined && readsTail(past, through)
    ? folded(past, newest, undefined, undefined)
    : undefined;
  return tail?.state.folded === through ? tail.state : stateAt(past, through).state;
}

/** Whether {@link stateToRead} folds the newest segment for this position, and keeps the state for the journal. */
function readsTail(past: Past, through: number): boolean {
  return through >= (past.segments().at(-1) ?? Infinity);
}

function isWanted({ service, commit }: JournalEntry, { service: wanted }: JournalPart): boolean {
  return wanted === undefined || service === wanted || commit !== undefined;
}

/** The entries that are kept of a closed segment; undefined where they must be worked out. */
function keptJournal(
  past: Past,
  first: number,
  next: number | undefined,
  part: JournalPart,
): readonly JournalEntry[] | undefined {
  const kept = next === undefined ? undefined : past.journal(first, next);
  return kept === undefined ? undefined : readJournalText(kept, part);
}

/** A segment that was folded, as far as it had been written. */
interface Folded {
  /** Id of the ledger: another one may have come to the same folder. */
  readonly ledger: string;
  readonly first: number;
  readonly entries: JournalEntry[];
  /** The state after its last record. */
  readonly state: ClusterState;
  /** The events of the segment that made Services wait for a step. */
  readonly waiting: WaitingEvents;
}

/** The segment that was folded last of each ledger. It follows from the records, which never change, so it is never wrong. */
const LAST_FOLDED = new WeakMap<Past, Folded>();

/** Folds the segment from `first` to the record before `next`, or to its end. `before`: the state before it, where that is known. */
function folded(
  past: Past,
  first: number,
  next: number | undefined,
  before: ClusterState | undefined,
): Folded {
  const known = LAST_FOLDED.get(past);
  const ledger = past.id();
  LAST_FOLDED.delete(past);
  const tail: Folded = known?.first === first && known.ledger === ledger ? known : {
    ledger,
    first,
    entries: [],
    state: before?.folded === first - 1
      ? before
      : first === 0
      ? emptyState()
      : stateAt(past, first - 1).state,
    waiting: new Map(),
  };
  for (const { offset, record } of past.records(tail.state.folded + 1)) {
    if (next !== undefined && offset >= next) break;
    tail.entries.push(...journalEntries(tail.state, offset, record, tail.waiting));
  }
  if (next !== undefined) past.keepJournal(first, next, journalText(tail.entries));
  LAST_FOLDED.set(past, tail);
  return tail;
}
