// The age of a ledger, measured by the times of its own records. Retention decides by this age. Why not simply by the wall
// clock, or by the times of the files? The clock may be set forwards or back, and a copy or a restore changes file times:
// either could make retention remove the whole past.

import { AGE_STEP_MILLISECONDS } from "../limits.ts";
import type { LedgerRecord } from "./record.ts";

/** The age of a ledger after one of its records. */
export interface Age {
  /** Milliseconds since its first record: the sum of the times between records. */
  readonly milliseconds: number;
  /** Time of the last record that was counted, in milliseconds since 1970; undefined before the first. */
  readonly time?: number;
}

/** The age before the first record. */
export const NEWBORN: Age = { milliseconds: 0 };

/**
 * The age after `record`. A clock that was set back adds nothing; one that was set forwards adds a day at most. Events are
 * not counted, because the events of a recording that is played again carry the times of the recording.
 */
export function ageBehind(age: Age, record: LedgerRecord): Age {
  const time = Date.parse(record.time);
  if (record.kind === "event" || Number.isNaN(time)) return age;
  const step = Math.min(Math.max(0, time - (age.time ?? time)), AGE_STEP_MILLISECONDS);
  return { milliseconds: age.milliseconds + step, time };
}
