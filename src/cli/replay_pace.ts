// Paces a replay: the pauses between records, divided by a speed.

import { type Clock, SYSTEM_CLOCK } from "../ingest/recording_source.ts";

/** A function that waits until the record of a given time is due, counted from the first record; undefined: no pauses. */
export function pace(
  speed: number | undefined,
  clock: Clock = SYSTEM_CLOCK,
): ((time: string) => Promise<void>) | undefined {
  if (speed === undefined) return undefined;
  const start = clock.now();
  const { signal } = new AbortController();
  let first: number | undefined;
  return async (time) => {
    first ??= Date.parse(time);
    const due = start + (Date.parse(time) - first) / speed;
    const early = due - clock.now();
    if (early > 0) await clock.sleep(early, signal);
  };
}
