// Readers of a ledger: they take no lock, so a ledger can be read while it is written; a tail that is being written is
// left out.

import type { LedgerRecord, Offset } from "./record.ts";
import { isLedgerDamage, type LedgerEnd, readSegments } from "./segment.ts";
import type { Storage } from "./storage.ts";

/**
 * Every record that is kept of the ledger in `storage`, in order; the first has another offset than 0 where the past was
 * removed. Throws LedgerDamage where one cannot be trusted.
 */
export function* readLedger(
  storage: Storage,
): Generator<{ offset: Offset; record: LedgerRecord }, LedgerEnd | undefined> {
  const records = readSegments(storage);
  for (;;) {
    const { done, value } = records.next();
    if (done) return value;
    yield { offset: value.offset as Offset, record: value.record };
  }
}

/** What is wrong with a ledger, for people; empty when nothing is. */
export function verifyLedger(storage: Storage): string[] {
  const records = readSegments(storage);
  try {
    for (;;) {
      const { done, value } = records.next();
      if (!done) continue;
      if (value?.torn === undefined) return [];
      const { file, keep, lostBytes, reason } = value.torn;
      return [`${file} (byte ${keep}): torn tail of ${lostBytes} bytes: ${reason}`];
    }
  } catch (error) {
    if (!isLedgerDamage(error)) throw error;
    return [error.message];
  }
}
