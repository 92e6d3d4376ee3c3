// The moments of a window that the page can show: each commit, drift and gaps between commits, and records that no
// commit of the window folded.

import type { LedgerRecord } from "../ledger/record.ts";

/** One moment that can be shown. */
export interface Stop {
  /** Offset of the record that makes the stop; for the beginning of the window, the offset before the first. */
  readonly offset: number;
  /** Offset of the last record folded at this moment. */
  readonly through: number;
  /** First offset that was folded since the previous stop. */
  readonly from: number;
  /** Milliseconds since 1970; never less than that of the previous stop. */
  readonly time: number;
  readonly kind: "beginning" | "commit" | "rejected" | "drift" | "gap" | "uncommitted";
}

/** The stops of a window whose first record has offset `first`, in order; the first is its beginning. */
export function stopsOf(records: readonly LedgerRecord[], first: number): Stop[] {
  const committed = throughOfCommits(records);
  const begins = Date.parse(records[0]?.time ?? "") || 0;
  const stops: Stop[] = [{
    offset: first - 1,
    through: first - 1,
    from: first,
    time: begins,
    kind: "beginning",
  }];
  records.forEach((record, i) => {
    const last = stops.at(-1)!;
    const offset = first + i;
    const stop = stopAt(record, offset, last.through, committed);
    if (stop === undefined) return;
    // The clock of the node may have been set back, and a recording may have been played: a stop is never earlier than
    // the previous one.
    const time = Math.max(last.offset < first ? -Infinity : last.time, Date.parse(record.time) || last.time);
    stops.push({ offset, time, ...stop });
  });
  if (stops.length > 1) stops[0] = { ...stops[0]!, time: Math.min(begins, stops[1]!.time) };
  return stops;
}

/** Offset of the last record that a commit of the window folded. */
function throughOfCommits(records: readonly LedgerRecord[]): number {
  return records.reduce(
    (most, record) => record.kind === "commit" ? Math.max(most, record.through) : most,
    -1,
  );
}

/**
 * The stop of a record; undefined for an event that a commit of the window folded, which belongs to that commit's stop.
 */
function stopAt(
  record: LedgerRecord,
  offset: number,
  through: number,
  committed: number,
): Pick<Stop, "through" | "from" | "kind"> | undefined {
  switch (record.kind) {
    case "commit":
      return {
        through: Math.max(through, record.through),
        from: record.from,
        kind: record.outcome === "committed" ? "commit" : "rejected",
      };
    case "drift":
      return { through, from: through + 1, kind: record.kind };
    case "gap":
      return record.checkpoint === undefined ? { through, from: through + 1, kind: record.kind } : undefined;
    case "event":
    case "config":
      return offset > committed ? { through: offset, from: offset, kind: "uncommitted" } : undefined;
  }
}

/** Index of the last stop that is not later than `time`; 0 where all are later. */
export function stopAtTime(stops: readonly Stop[], time: number): number {
  let [low, high] = [0, stops.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (stops[middle]!.time <= time) low = middle;
    else high = middle;
  }
  return low;
}

/** Index of the stop that shows the record at `offset`. */
export function stopOfOffset(stops: readonly Stop[], offset: number): number {
  // Neither decreases from stop to stop.
  let [low, high] = [-1, stops.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (stops[middle]!.offset >= offset || stops[middle]!.through >= offset) high = middle;
    else low = middle;
  }
  return high;
}
