// Pieces of a batch of events, each of which costs a few milliseconds. Many changes come at once when a watch is resumed, or when a
// tenant makes hundreds of Services. Between the pieces requests are answered and deadlines are met.

import type { EventsBatch, SourceBatch } from "../ingest/source.ts";
import type { WatchEvent } from "../kube/objects.ts";
import { PIECE_ELEMENTS } from "../limits.ts";

/** `batch` in pieces, in order; a list is one piece. At least one. */
export function piecesOf(batch: SourceBatch): SourceBatch[] {
  if (batch.kind === "list") return [batch];
  const pieces: WatchEvent[][] = [[]];
  let size = 0;
  for (const event of batch.events) {
    const cost = elementsOf(event);
    if (size > 0 && size + cost > PIECE_ELEMENTS) {
      pieces.push([]);
      size = 0;
    }
    pieces.at(-1)!.push(event);
    size += cost;
  }
  return pieces.map((events, i): EventsBatch => ({
    ...{ kind: "events", events, problems: i === 0 ? batch.problems : [] },
  }));
}

/** What an object that is deleted cost is not known here. */
const DELETED = 32;

/** About how many elements an event changes. */
function elementsOf({ value }: WatchEvent): number {
  switch (value?.kind) {
    case undefined:
      return DELETED;
    case "EndpointSlice":
      return 1 + value.endpoints.length * Math.max(1, value.ports.length);
    case "Service":
      return 1 + (value.spec.ports?.length ?? 0);
    default:
      return 1;
  }
}
