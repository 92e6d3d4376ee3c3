// Reads the journal of a ledger, forward or backward, a segment at a time. What a closed segment's journal is was worked out once and
// is kept beside it. That of the segment being written is worked out by each program, and continued when the segment has grown.

import { type ClusterState, emptyState } from "../fold/cluster_state.ts";
import type { LedgerDamage } from "../ledger/damage.ts";
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
    const kept = keptJournal(past, first, next, part);
    const tail = kept === undefined ? folded(past, first, next, end) : undefined;
    end = tail?.state ?? end;
    for (const entry of kept ?? tail!.entries) {
      if (entry.offset >= from && entry.offset <= through && isWanted(entry, part)) yield entry;
    }
    requireRead(tail, next, through);
    counted(next ?? first);
  }
}

/** As {@link journalFrom}, from `through` back to `from`, or to the oldest record that is kept. */
export function* journalBackward(
  past: Past,
  through: number,
  part: JournalPart = WHOLE,
  from = 0,
): Generator<JournalEntry> {
  const segments = past.segments();
  const counted = past.progress("segments of the journal");
  for (let i = segments.length - 1; i >= 0; i--) {
    const [first, next] = [segments[i]!, segments[i + 1]];
    if (first > through) continue;
    if ((next ?? Infinity) <= from) return;
    const kept = keptJournal(past, first, next, part);
    const tail = kept === undefined ? folded(past, first, next, undefined) : undefined;
    requireRead(tail, next, through);
    const entries = kept ?? tail!.entries;
    for (let at = entries.length - 1; at >= 0; at--) {
      const entry = entries[at]!;
      if (entry.offset < from) return;
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
  if (next === undefined) return undefined;
  const last = LAST_FOLDED.get(past);
  const before = last?.before;
  if (before?.first === first && before.next === next && last?.ledger === past.id()) return before.entries;
  const kept = past.journal(first, next);
  return kept === undefined ? undefined : readJournalText(kept, part);
}

/** Throws the damage of a segment that was folded, where that is before offset `through` and the segment after it. */
function requireRead(tail: Folded | undefined, next = Infinity, through: number): void {
  if (tail?.damage !== undefined && tail.state.folded < Math.min(through, next - 1)) throw tail.damage;
}

/** A segment that was folded, as far as it had been written, or could be read. */
interface Folded {
  /** Id of the ledger: another one may have come to the same folder. */
  readonly ledger: string;
  readonly first: number;
  readonly entries: JournalEntry[];
  /** The state after its last record. */
  readonly state: ClusterState;
  /** The events of the segment that made Services wait for a step. */
  readonly waiting: WaitingEvents;
  /** What is behind its last record, where that cannot be read. */
  damage?: LedgerDamage | undefined;
  /** The segment before it, where that was folded too: one that is followed ends, and what it ended with is still asked for. */
  before?: ClosedSegment | undefined;
}

/** The journal of a segment that has ended. */
interface ClosedSegment {
  readonly first: number;
  /** The first record of the segment after it. */
  readonly next: number;
  readonly entries: readonly JournalEntry[];
}

/** The segment that was folded last of each ledger. It follows from the records, which never change, so it is never wrong. */
const LAST_FOLDED = new WeakMap<Past, Folded>();
/** Once the newest segment has so many entries, the one before it is not asked for again by a program that follows. */
const FOLLOWED_ENTRIES = 10_000;

/** Folds the segment from `first` to the record before `next`, or to its end. `before`: the state before it, where that is known. */
function folded(
  past: Past,
  first: number,
  next: number | undefined,
  before: ClusterState | undefined,
): Folded {
  const last = LAST_FOLDED.get(past);
  const known = last?.ledger === past.id() ? last : undefined;
  LAST_FOLDED.delete(past);
  // Where a segment ended while it was read, records of the next one were folded with it.
  const isKnown = known?.first === first && known.state.folded < (next ?? Infinity);
  const tail = isKnown ? known : beginning(past, first, known, before);
  fold(past, tail, next);
  if (next !== undefined && tail.damage === undefined) {
    past.keepJournal(first, next, journalText(tail.entries));
  }
  if (tail.entries.length > FOLLOWED_ENTRIES) tail.before = undefined;
  LAST_FOLDED.set(past, tail);
  return tail;
}

/** The segment that begins at `first`, of which nothing is folded yet. */
function beginning(
  past: Past,
  first: number,
  known: Folded | undefined,
  before: ClusterState | undefined,
): Folded {
  const next = { ledger: past.id(), first, entries: [], waiting: new Map() };
  if (before?.folded === first - 1) return { ...next, state: before };
  if (known !== undefined && endsAt(past, known.first) === first) {
    fold(past, known, first);
    const { state, entries } = known;
    if (state.folded === first - 1) {
      return { ...next, state, before: { first: known.first, next: first, entries } };
    }
  }
  return { ...next, state: first === 0 ? emptyState() : stateAt(past, first - 1).state };
}

/** The first record of the segment after the one that begins at `first`; undefined where there is none. */
function endsAt(past: Past, first: number): number | undefined {
  const segments = past.segments();
  const at = segments.findIndex((one) => one === first);
  return at < 0 ? undefined : segments[at + 1];
}

/** Folds what follows what is folded of `tail`, to the record before `next`, or to damage. Throws where retention has overtaken it. */
function fold(past: Past, tail: Folded, next = Infinity): void {
  const { state, entries, waiting } = tail;
  tail.damage = past.damageIn(() => {
    for (const { offset, record } of past.recordsToFold(state.folded + 1, next - 1)) {
      if (offset !== state.folded + 1) throw past.overtaken();
      entries.push(...journalEntries(state, offset, record, waiting));
    }
  });
}
