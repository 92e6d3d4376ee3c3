// Damage: bytes of a ledger that no crash leaves, with their place.

/** Where a ledger is damaged. Thrown by readers; what is before it can be used. */
export class LedgerDamage extends Error {
  override readonly name = "LedgerDamage";

  constructor(
    readonly file: string,
    /** From 1. */
    readonly line: number,
    /** Byte of the file at which the line begins. */
    readonly byte: number,
    readonly reason: string,
    /** The format version, where a newer program made the file: it may be whole, and only that program can say. */
    readonly newerVersion?: number,
  ) {
    super(`${file}:${line} (byte ${byte}): ${reason}`);
  }
}

/** Whether `error` says that a ledger is damaged. */
export function isLedgerDamage(error: unknown): error is LedgerDamage {
  return error instanceof LedgerDamage;
}
