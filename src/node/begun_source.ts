// A source whose first batches are asked for before the loop takes them: a start has other work until an API server has answered.

import type { KnownVersions, Source, SourceBatch } from "../ingest/source.ts";

/** Most batches that are asked for before the loop takes them. */
const AHEAD_MAX = 16;
/** No more are asked for behind so many objects and events: a list is not kept in memory twice. */
const OBJECTS_AHEAD_MAX = 1000;

/** A source that has begun. Dispose of it in the end, whether or not a loop has read it. */
export interface BegunSource extends Source, AsyncDisposable {
  /** What was received so far, while no loop reads it. */
  readonly received: readonly SourceBatch[];
  /** Takes the batch at `index` of {@link received} away: the loop does not get it. */
  take(index: number): void;
}

/**
 * Asks `source` for its batches, for one reader that comes later; see {@link Source.batches} for `known`. What it throws meanwhile is
 * thrown to the reader.
 */
export function begunSource(source: Source, known: () => KnownVersions): BegunSource {
  const stop = new AbortController();
  const batches = source.batches(stop.signal, known)[Symbol.asyncIterator]();
  /** Those that were received, and then the one that is awaited. */
  const asked: Promise<IteratorResult<SourceBatch>>[] = [];
  const received: SourceBatch[] = [];
  let objects = 0;
  let isRead = false;
  const ask = () => {
    const next = batches.next();
    asked.push(next);
    next.then(({ done, value }) => {
      if (done || isRead) return;
      received.push(value);
      objects += value.kind === "list" ? value.objects.length : value.events.length;
      if (received.length < AHEAD_MAX && objects < OBJECTS_AHEAD_MAX) ask();
    }, () => {});
  };
  ask();
  return {
    ...source,
    received,
    take(index) {
      received.splice(index, 1);
      asked.splice(index, 1);
    },
    batches(signal) {
      isRead = true;
      received.length = 0;
      signal.addEventListener("abort", () => stop.abort());
      if (signal.aborted) stop.abort();
      return { [Symbol.asyncIterator]: () => following(asked, batches) };
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await batches.return?.();
    },
  };
}

/** `batches` behind those that were `asked` for. No generator: one around another one costs each batch three turns of promises. */
function following(
  asked: Promise<IteratorResult<SourceBatch>>[],
  batches: AsyncIterator<SourceBatch>,
): AsyncIterator<SourceBatch> {
  return {
    next: () => asked.shift() ?? batches.next(),
    async return() {
      await batches.return?.();
      return { done: true, value: undefined };
    },
  };
}
