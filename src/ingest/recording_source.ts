// Plays the events of a recorded ledger: with their original timing, faster, or at once.

import type { LedgerRecord } from "../ledger/record.ts";
import type { WatchEvent } from "../kube/objects.ts";
import type { EventsBatch, Source } from "./source.ts";

/** Waits; the seam that lets tests play without time. */
export interface Clock {
  /** Milliseconds from any fixed moment. */
  now(): number;
  /** Resolves after `milliseconds`, or at once when `signal` aborts. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
}

/** Events at most this far apart in recorded time come in one batch. */
const TOGETHER_MILLISECONDS = 5;

/** The machine's clock. */
export const SYSTEM_CLOCK: Clock = {
  now: () => performance.now(),
  sleep: (milliseconds, signal) =>
    new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, milliseconds);
      signal.addEventListener("abort", done);
      if (signal.aborted) done();
    }),
};

/**
 * A source that plays the event records of `records`. `speed` 1 keeps their timing, 10 is ten times faster, Infinity
 * delivers all in one batch. Other kinds of record are passed over.
 */
export function recordingSource(
  description: string,
  records: () => Iterable<{ readonly record: LedgerRecord }>,
  speed: number,
  clock: Clock = SYSTEM_CLOCK,
): Source {
  return {
    description,
    async *batches(signal) {
      const events = [...records()].flatMap(({ record }) =>
        record.kind === "event" ? [watchEvent(record)] : []
      );
      const start = clock.now();
      const first = Date.parse(events[0]?.time ?? "");
      for (const batch of together(events, speed)) {
        const due = start + (Date.parse(batch[0]!.time) - first) / speed;
        if (due > clock.now()) await clock.sleep(due - clock.now(), signal);
        if (signal.aborted) return;
        yield { kind: "events", events: batch, problems: [] } satisfies EventsBatch;
      }
    },
  };
}

function watchEvent({ key, value, resourceVersion, time }: WatchEvent): WatchEvent {
  return { key, value, resourceVersion, time };
}

/** Events in batches of the same moment; all in one where there is no timing. */
function together(events: readonly WatchEvent[], speed: number): WatchEvent[][] {
  if (speed === Infinity) return events.length === 0 ? [] : [[...events]];
  const batches: WatchEvent[][] = [];
  let until = -Infinity;
  for (const event of events) {
    const time = Date.parse(event.time);
    if (time > until) {
      batches.push([]);
      until = time + TOGETHER_MILLISECONDS;
    }
    batches.at(-1)!.push(event);
  }
  return batches;
}
