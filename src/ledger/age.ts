// The age of a ledger, measured by the times of its own records. Retention decides by this age. Why not simply by the wall
// clock, or by the times of the files? The clock may be set forwards or back, and a copy or a restore changes file times:
// either could make retention remove the whole past.

import { AGE_LEAPT_SHARE, AGE_PAUSE_MILLISECONDS, AGE_STEP_MILLISECONDS } from "../limits/ledger.ts";
import type { LedgerRecord } from "./record.ts";

/** The age of a ledger after one of its records. */
export interface Age {
  /** Milliseconds since its first record: the sum of the times between records, as far as they count. */
  readonly milliseconds: number;
  /** Time of the last record that was counted, in milliseconds since 1970; undefined before the first. */
  readonly time?: number;
  /** What all steps of more than a day have added. Absent: 0. */
  readonly leapt?: number;
  /** What the last step of some hours added: it may have been the clock's. Absent: 0. */
  readonly ahead?: number;
  /** How much of the time to come was counted already, because the clock was ahead and was set back. Absent: 0. */
  readonly prepaid?: number;
}

/** The age before the first record. */
export const NEWBORN: Age = { milliseconds: 0 };

/**
 * The age after `record`. Events are not counted, because the events of a recording that is played again carry the times of
 * the recording.
 */
export function ageBehind(age: Age, record: LedgerRecord): Age {
  // First: the time of an event would be parsed for nothing, and a first list has events alone.
  if (record.kind === "event") return age;
  const time = Date.parse(record.time);
  if (Number.isNaN(time)) return age;
  const step = time - (age.time ?? time);
  return step < 0 ? { ...setBack(age, -step), time } : { ...aged(age, step), time };
}

/** A clock that was set back adds nothing. What it added by being set forwards before, a later step need not add again. */
function setBack(age: Age, step: number): Age {
  const { ahead = 0, prepaid = 0 } = age;
  return ahead === 0 ? age : { ...age, ahead: 0, prepaid: prepaid + Math.min(ahead, step) };
}

/** The age after a `step` forwards, less the time that is counted already. */
function aged(age: Age, step: number): Age {
  const { milliseconds, leapt = 0, prepaid = 0 } = age;
  const counted = countedOf(age, step);
  const paid = Math.min(prepaid, counted);
  const isLeap = step > AGE_STEP_MILLISECONDS;
  const mayBeClock = step > AGE_PAUSE_MILLISECONDS && step < AGE_STEP_MILLISECONDS;
  return {
    ...age,
    milliseconds: milliseconds + counted - paid,
    ...(isLeap ? { leapt: leapt + counted } : {}),
    ...(mayBeClock ? { ahead: counted } : {}),
    ...(prepaid > 0 ? { prepaid: prepaid - paid } : {}),
  };
}

/**
 * How much of a step counts. A step of more than a day is a pause of the program, or a clock that was set forwards, and
 * the records do not show which. It counts as a day at most, and all of them together as a day and a tenth of the age: history
 * that is removed too early is lost, and what is kept too long is still bounded in bytes.
 */
function countedOf({ milliseconds, leapt = 0 }: Age, step: number): number {
  if (step <= AGE_STEP_MILLISECONDS) return step;
  const left = AGE_STEP_MILLISECONDS + Math.floor(milliseconds * AGE_LEAPT_SHARE) - leapt;
  return Math.max(0, Math.min(AGE_STEP_MILLISECONDS, left));
}
