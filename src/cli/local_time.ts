// Reads and writes times in the zone of this machine.

import type { ReaderClock } from "../history/time_expression.ts";

/** The present, in the zone of this machine. */
export function localClock(): ReaderClock {
  return { now: Date.now(), minutesEast: (moment) => -new Date(moment).getTimezoneOffset() };
}

const TIME_MAX = 8.64e15 - 24 * 3600 * 1000;

/** `2026-11-23 03:12:00.123 +01:00`. */
export function localTime(time: string): string {
  const date = new Date(time);
  // A wrong clock may have written a time that has no date in every zone (ECMA-262, 21.4.1.1).
  if (!(Math.abs(date.getTime()) < TIME_MAX)) return "unknown time";
  const minutes = -date.getTimezoneOffset();
  const local = new Date(date.getTime() + minutes * 60_000).toISOString().replace("T", " ").replace("Z", "");
  const two = (number: number) => String(number).padStart(2, "0");
  const zone = `${two(Math.floor(Math.abs(minutes) / 60))}:${two(Math.abs(minutes) % 60)}`;
  return `${local} ${minutes < 0 ? "-" : "+"}${zone}`;
}
