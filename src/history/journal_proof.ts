// Compares the journals that are kept beside closed segments with what the records make, while the ledger is verified: questions
// about much of the past read them in place of the records, and their hash proves only that they are whole.

import { foldRecord } from "../fold/fold.ts";
import { type JournalEntry, journalStep, type WaitingEvents } from "./journal.ts";
import { journalText, readJournalText } from "./journal_text.ts";
import type { Past } from "./past.ts";

/** The segment whose records are being folded, and which has a journal. */
interface Compared {
  readonly first: number;
  readonly next: number;
  readonly kept: string;
  readonly entries: JournalEntry[];
  readonly waiting: WaitingEvents;
}

/** Folds the records of a ledger in order, and compares its journals. */
export class JournalProof {
  readonly #past: Past;
  /** The segments that begin at or behind the next record. */
  readonly #segments: number[];
  readonly #problems: string[] = [];
  #compared: Compared | undefined;

  constructor(past: Past) {
    this.#past = past;
    this.#segments = past.segments();
  }

  /** Folds one record. */
  readonly fold: typeof foldRecord = (state, offset, record) => {
    while (this.#segments.length > 0 && this.#segments[0]! <= offset) {
      this.#begin(this.#segments.shift()!, offset);
    }
    const compared = this.#compared;
    if (compared === undefined) return foldRecord(state, offset, record);
    const { entries, changes } = journalStep(state, offset, record, compared.waiting);
    compared.entries.push(...entries);
    if (offset === compared.next - 1) this.#compare(compared);
    return changes;
  };

  /** What is wrong with journals of the records so far. */
  problems(): readonly string[] {
    return this.#problems;
  }

  /** Begins with the segment at `first`; one of which not every record was folded proves nothing. */
  #begin(first: number, offset: number): void {
    const next = this.#segments[0];
    const kept = next === undefined || first !== offset ? undefined : this.#past.journal(first, next);
    // One of another version is not used.
    const isUsed = kept !== undefined && readJournalText(kept) !== undefined;
    this.#compared = isUsed ? { first, next: next!, kept, entries: [], waiting: new Map() } : undefined;
  }

  #compare({ first, kept, entries }: Compared): void {
    this.#compared = undefined;
    if (journalText(entries) === kept) return;
    const remedy = "remove the file: the next question makes it again";
    this.#problems.push(`${this.#past.journalName(first)}: it is not that of its records; ${remedy}`);
  }
}
