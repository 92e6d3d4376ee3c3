// Verifies the checkpoints of a ledger: each is signed by the key that the one before it names, and says what the hash chain was.

import { type Checkpoint, noteOf, readCheckpoint } from "./checkpoint.ts";
import type { LedgerRecord } from "./record.ts";

/** The checkpoints that were found right. */
export interface CheckpointSummary {
  /** How many there are. */
  readonly count: number;
  /** Offset of the last one: the records before it are signed. Null where there is none. */
  readonly through: number | null;
  /** The key that the last one names, for the next audit. */
  readonly nextKey: string | null;
}

/** Takes the records of a ledger, in order. */
export class CheckpointChain {
  /** The key of an auditor; undefined where none was given. */
  readonly #trusted: string | undefined;
  #linked: boolean;
  #last: Checkpoint | undefined;
  #count = 0;

  constructor(trusted: string | undefined) {
    this.#trusted = trusted;
    this.#linked = trusted === undefined;
  }

  /** Notes the record at `offset`; `before` is the hash chain before it, where that is known. Returns what is wrong. */
  note(offset: number, record: LedgerRecord, before: string | undefined): string[] {
    const note = noteOf(record);
    if (note === undefined) return [];
    const read = readCheckpoint(note);
    const wrong = typeof read === "string" ? read : this.#fault(read, offset, before);
    if (typeof read !== "string") {
      this.#linked ||= read.key === this.#trusted;
      this.#last = read;
      this.#count++;
    }
    return wrong === undefined ? [] : [`the checkpoint @${offset}: ${wrong}`];
  }

  #fault(checkpoint: Checkpoint, offset: number, before: string | undefined): string | undefined {
    if (checkpoint.next !== offset) return `it is of the records before @${checkpoint.next}`;
    if (before !== undefined && checkpoint.chain !== before) {
      return "its hash chain is not that of the records before it";
    }
    const last = this.#last;
    if (last === undefined) return undefined;
    if (checkpoint.ledger !== last.ledger) return `it is of ledger ${checkpoint.ledger}`;
    if (checkpoint.key === last.nextKey && checkpoint.number === last.number + 1) return undefined;
    return `the checkpoint @${last.next} does not name the key that signed it: what follows @${last.next} cannot be trusted`;
  }

  /** What is wrong with all of them together, in a ledger that has the records from `first` on. */
  problems(first = 0): string[] {
    if (this.#linked) return [];
    if (this.#count === 0) return ["there is no checkpoint, so the key that was given proves nothing"];
    const removed = first === 0
      ? ""
      : `; what was before @${first} is not kept: give a later key, such as the one that the last audit printed`;
    return [`no checkpoint is signed by the key that was given, or follows one that is${removed}`];
  }

  get summary(): CheckpointSummary {
    return { count: this.#count, through: this.#last?.next ?? null, nextKey: this.#last?.nextKey ?? null };
  }
}
