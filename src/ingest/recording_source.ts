// Plays the events of a recorded ledger again: with their original timing, faster, or all at once.

import type { LedgerRecord } from "../ledger/record.ts";
import type { WatchEvent } from "../kube/objects.ts";
import { pause } from "../pause.ts";
import type { EventsBatch, Source } from "./source.ts";

/** A clock that can wait. Tests have one that does not really wait. */
export interface Clock {
  /** Milliseconds since a fixed moment. */
  now(): number;
  /** Resolves after `milliseconds`, or at once when `signal` aborts. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
}

/** Events whose recorded times are at most this far apart are one batch. */
const TOGETHER_MILLISECONDS = 5;

/** The machine's clock. */
export const SYSTEM_CLOCK: Clock = {
  now: () => performance.now(),
  sleep: pause,
};

/**
 * A source that plays the event records of `records`. Speed 1 keeps their timing, 10 is ten times faster, and Infinity
 * delivers all in one batch. Records of other kinds are skipped.
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
      const start = clock.now();
      let first: number | undefined;
      for (const batch of together(watchEvents(records()), speed)) {
        first ??= Date.parse(batch[0]!.time);
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

function* watchEvents(records: Iterable<{ readonly record: LedgerRecord }>): Generator<WatchEvent> {
  for (const { record } of records) if (record.kind === "event") yield watchEvent(record);
}

/** Groups events of about the same time into batches, reading one batch ahead at most; with speed Infinity into one. */
function* together(events: Iterable<WatchEvent>, speed: number): Generator<WatchEvent[]> {
  let batch: WatchEvent[] = [];
  let until = speed === Infinity ? Infinity : -Infinity;
  for (const event of events) {
    const time = Date.parse(event.time);
    if (time > until) {
      if (batch.length > 0) yield batch;
      batch = [];
      until = time + TOGETHER_MILLISECONDS;
    }
    batch.push(event);
  }
  if (batch.length > 0) yield batch;
}
