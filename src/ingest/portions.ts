// Portions of a batch. The changes that arrive together make one batch, and what thousands of them change would be planned and
// committed in one piece, for which the loop blocks. So a large batch of events is taken in portions, with a turn of the loop between
// them. A list stays whole here: what is missing in it is decided with all of it. What it changes is taken in portions by the engine.

import type { WatchEvent } from "../kube/objects.ts";
import { PORTION } from "../limits/input.ts";
import type { SourceBatch } from "./source.ts";

/** `batch` in portions, in order. The problems are those of the first one. */
export function* portions(batch: SourceBatch): Generator<SourceBatch> {
  // Nearly all batches have one change.
  if (batch.kind === "list" || batch.events.length <= 1) return yield batch;
  let problems = batch.problems;
  for (let at = 0; at < batch.events.length;) {
    const end = portionEnd(batch.events, at);
    yield { kind: "events", events: batch.events.slice(at, end), problems };
    [at, problems] = [end, []];
  }
}

/** The end of the portion of `events` that begins at `start`. It has one event at least. */
export function portionEnd(events: readonly WatchEvent[], start: number): number {
  const most = Math.min(events.length, start + PORTION.events);
  let endpoints = endpointsOf(events[start]!);
  for (let end = start + 1; end < most; end++) {
    endpoints += endpointsOf(events[end]!);
    if (endpoints > PORTION.endpoints) return end;
  }
  return most;
}

function endpointsOf({ value }: WatchEvent): number {
  return value?.kind === "EndpointSlice" ? value.endpoints.length : 0;
}
