// Verifies the checkpoints of a ledger: each is signed by the key that the one before it names, and says what the hash chain was.

import { type Checkpoint, noteOf, readCheckpoint } from "./checkpoint.ts";
import type { LedgerRecord } from "./record.ts";

/** The checkpoints that were found right. */
export interface CheckpointSummary {
  /** How many there are. */
  readonly count: number;
  /** Offset of the last one: the records before it are signed. Null where there is none. */
  readonly through: number | null;
  /** The key that signed the last one, for the next audit: what is signed until then follows from it. */
  readonly key: string | null;
  /** The key that the last one names. Until it has signed, an audit that begins with it proves nothing. */
  readonly nextKey: string | null;
}

/** Takes the records of a ledger, in order. */
export class CheckpointChain {
  /** The key of an auditor; undefined where none was given. */
  readonly #trusted: string | undefined;
  #linked: boolean;
  #last: Checkpoint | undefined;
  /** The first checkpoint that is signed with a key that signs the next one too. */
  #lasting: number | undefined;
  #count = 0;
  /** The hashes of each snapshot, with the checkpoint that signs it first. */
  readonly #snapshots = new Map<number, Map<string, number>>();

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
      if (read.key === read.nextKey) this.#lasting ??= offset;
      for (const { next, sha256 } of read.snapshots ?? []) this.#noteSnapshot(next, sha256, offset);
      this.#count++;
    }
    return wrong === undefined ? [] : [`the checkpoint @${offset}: ${wrong}`];
  }

  #noteSnapshot(next: number, sha256: string, offset: number): void {
    const known = this.#snapshots.get(next);
    if (known === undefined) this.#snapshots.set(next, new Map([[sha256, offset]]));
    else if (!known.has(sha256)) known.set(sha256, offset);
  }

  /**
   * What is wrong with the snapshot before record `next`, whose file has the SHA-256 `sha256`; `"unsigned"` where no checkpoint signs
   * it, undefined where nothing is wrong.
   */
  snapshotFault(next: number, sha256: string): string | undefined {
    const signed = this.#snapshots.get(next);
    if (signed === undefined) return "unsigned";
    for (const [one, offset] of signed) {
      if (one !== sha256) return `it is not the one that the checkpoint @${offset} signed`;
    }
    return undefined;
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

  /** What of them is weaker than it could be. */
  notes(): string[] {
    return this.#lasting === undefined ? [] : [
      `the checkpoints from @${this.#lasting} on are signed with a key that is not erased: who has it can sign them anew`,
    ];
  }

  get summary(): CheckpointSummary {
    const { next = null, key = null, nextKey = null } = this.#last ?? {};
    return { count: this.#count, through: next, key, nextKey };
  }
}
