// Where a timeline can stop: each commit, what went wrong between them, and what was recorded but not committed.

import type { LedgerRecord } from "../ledger/record.ts";

/** One moment to look at. */
export interface Stop {
  /** Offset of the record that it is about; one before the first for the beginning of the window. */
  readonly offset: number;
  /** Offset of the last record folded at this moment. */
  readonly through: number;
  /** First offset of what was folded since the stop before. */
  readonly from: number;
  /** Milliseconds since 1970; never less than that of the stop before. */
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
    const told = stopAt(record, offset, last.through, committed);
    if (told === undefined) return;
    // Where the clock of the node was set back, or a recording is played, time stands still here.
    const time = Math.max(last.offset < first ? -Infinity : last.time, Date.parse(record.time) || last.time);
    stops.push({ offset, time, ...told });
  });
  if (stops.length > 1) stops[0] = { ...stops[0]!, time: Math.min(begins, stops[1]!.time) };
  return stops;
}

/** The last record that any commit of the window has folded. */
function throughOfCommits(records: readonly LedgerRecord[]): number {
  return records.reduce(
    (most, record) => record.kind === "commit" ? Math.max(most, record.through) : most,
    -1,
  );
}

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
    case "gap":
      return { through, from: through + 1, kind: record.kind };
    case "event":
    case "config":
      return offset > committed ? { through: offset, from: offset, kind: "uncommitted" } : undefined;
  }
}

/** Index of the last stop no later than `time`; 0 where all are later. */
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
  const found = stops.findIndex((stop) => stop.offset >= offset || stop.through >= offset);
  return found < 0 ? stops.length - 1 : found;
}
