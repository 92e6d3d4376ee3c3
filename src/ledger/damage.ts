// Damage of a ledger. A crash leaves only a torn tail, which a start cuts off. Everything else that cannot be read as a
// ledger is damage, and is reported with its place.

import { segmentFirst } from "./format.ts";

/** Says where a ledger is damaged. Readers throw it; the records before that place can be used. */
export class LedgerDamage extends Error {
  override readonly name = "LedgerDamage";

  constructor(
    readonly file: string,
    /** Line of the segment, counted from 1. */
    readonly line: number,
    /** Byte of the segment at which the line begins, counted from 0. */
    readonly byte: number,
    readonly reason: string,
    /** The format version, where a newer program made the segment. It may be whole; only that program can check it. */
    readonly newerVersion?: number,
    /** Offset of the first record that is missing, where that is before the line. */
    readonly missingFrom?: number,
  ) {
    super(`${file}:${line} (byte ${byte}): ${reason}`);
  }

  /** Offset of the first record that it may concern; undefined where the file is no segment. */
  get offset(): number | undefined {
    const first = segmentFirst(this.file);
    // The first line is the header.
    return first === undefined ? undefined : this.missingFrom ?? first + Math.max(0, this.line - 2);
  }
}

/** Whether a reader threw `error` because the ledger is damaged. */
export function isLedgerDamage(error: unknown): error is LedgerDamage {
  return error instanceof LedgerDamage;
}
