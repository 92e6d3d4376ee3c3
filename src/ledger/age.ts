// How old a ledger is by the times of its own records. A wall clock steps, forwards and back, and times of files follow
// copies and restores; what retention removes must depend on neither.

import { AGE_STEP_MILLISECONDS } from "../limits.ts";
import type { LedgerRecord } from "./record.ts";

/** The age of a ledger at a place. */
export interface Age {
  /** Milliseconds since its first record, by the times between records. */
  readonly milliseconds: number;
  /** Time of the last record that counted, in milliseconds since 1970; undefined before the first. */
  readonly time?: number;
}

/** Before the first record. */
export const NEWBORN: Age = { milliseconds: 0 };

/**
 * The age behind `record`. A clock that went back adds nothing, one that leapt forwards a day at most. Events do not
 * count: a recording that is played has times of its own.
 */
export function ageBehind(age: Age, record: LedgerRecord): Age {
  const time = Date.parse(record.time);
  if (record.kind === "event" || Number.isNaN(time)) return age;
  const step = Math.min(Math.max(0, time - (age.time ?? time)), AGE_STEP_MILLISECONDS);
  return { milliseconds: age.milliseconds + step, time };
}
