// What is not in the ledger when a run of the loop ends, for the gap record of the next run. A gap record may be lost itself: then
// the next one stands for both, and does not count the first as a record.

import type { RecordGap } from "../engine/input.ts";
import type { Omission } from "../ledger/remote_ledger.ts";

/** A gap that a run of the loop was to record. */
export interface CarriedGap {
  readonly gap: RecordGap;
  /** The offset of its record; undefined where the run had no ledger, and recorded nothing. */
  readonly at: number | undefined;
}

/** The gap after a run whose next record had the offset `next`, and which `carried` another one. `committedOffset` is that of its rules. */
export function gapAfter(
  time: string,
  { reason, records }: Omission,
  next: number,
  committedOffset: number,
  carried: CarriedGap | undefined,
): RecordGap {
  // Offsets below this one are in the ledger.
  const missingFrom = next - records;
  const committed = committedOffset >= missingFrom;
  if (carried === undefined || (carried.at !== undefined && carried.at < missingFrom)) {
    return { time, reason, records, committed };
  }
  const { gap, at } = carried;
  const own = at === undefined || at >= next ? 0 : 1;
  return { time, reason, records: gap.records + records - own, committed: gap.committed || committed };
}
