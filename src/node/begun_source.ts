// A source whose first batch is asked for before the loop takes it: a start has other work until an API server has answered.

import type { KnownVersions, Source, SourceBatch } from "../ingest/source.ts";

/** A source that has begun. Dispose of it in the end, whether or not a loop has read it. */
export type BegunSource = Source & AsyncDisposable;

/**
 * Asks `source` for its batches, for one reader that comes later; see {@link Source.batches} for `known`. What it throws meanwhile is
 * thrown to the reader.
 */
export function begunSource(source: Source, known: () => KnownVersions): BegunSource {
  const stop = new AbortController();
  const batches = source.batches(stop.signal, known)[Symbol.asyncIterator]();
  const first = batches.next();
  first.catch(() => {});
  return {
    ...source,
    batches(signal) {
      signal.addEventListener("abort", () => stop.abort());
      if (signal.aborted) stop.abort();
      return { [Symbol.asyncIterator]: () => following(first, batches) };
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await batches.return?.();
    },
  };
}

/** `batches` behind their first one. No generator: one around another one costs each batch three turns of promises. */
function following(
  first: Promise<IteratorResult<SourceBatch>>,
  batches: AsyncIterator<SourceBatch>,
): AsyncIterator<SourceBatch> {
  let begun: Promise<IteratorResult<SourceBatch>> | undefined = first;
  return {
    next() {
      const next = begun ?? batches.next();
      begun = undefined;
      return next;
    },
    async return() {
      await batches.return?.();
      return { done: true, value: undefined };
    },
  };
}
