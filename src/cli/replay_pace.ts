// The pace of a replay: as it happened, so many times faster.

import { SYSTEM_CLOCK } from "../ingest/recording_source.ts";

/** A function that waits until a record of a time is due, counted from the first; undefined: as fast as it goes. */
export function pace(speed: number | undefined): ((time: string) => Promise<void>) | undefined {
  if (speed === undefined) return undefined;
  const start = SYSTEM_CLOCK.now();
  let first: number | undefined;
  return async (time) => {
    first ??= Date.parse(time);
    const due = start + (Date.parse(time) - first) / speed;
    const early = due - SYSTEM_CLOCK.now();
    if (early > 0) await SYSTEM_CLOCK.sleep(early, new AbortController().signal);
  };
}
