// A cut tail. A crash cannot remove records that were durable, but a restored copy, a person or an attacker can, and what is left
// is whole in itself. Files beside the segments show how far the log reached: a snapshot is made only after the records before it
// are durable, and so is the key that follows a checkpoint.

import { keyNext } from "./cut_files.ts";
import { segmentFirst } from "./format.ts";
import { readBackward } from "./reader.ts";
import { segmentNames } from "./segment.ts";
import { snapshotNext } from "./snapshot.ts";
import type { Storage } from "./storage.ts";

/** Records that are missing at the end of a ledger. */
export interface CutTail {
  /** Offset of the first record that is missing. */
  readonly from: number;
  /** Offset of the last record that was there for certain. */
  readonly through: number;
  /** Name of the file that shows it. */
  readonly file: string;
  /** All of this in words. */
  readonly text: string;
}

/** The last place that the files with these names show, apart from the segments. */
function shownEnd(names: readonly string[]): { readonly next: number; readonly file: string } {
  let shown = { next: 0, file: "" };
  for (const file of names) {
    const next = snapshotNext(file) ?? keyNext(file) ?? 0;
    if (next > shown.next) shown = { next, file };
  }
  return shown;
}

/**
 * The records that are missing at the end of the ledger in `storage`; undefined where no file shows any. With `snapshots` only
 * those count: then the last segment is read only where no segment continues the newest snapshot.
 */
export function cutTail(storage: Storage, evidence: "all" | "snapshots" = "all"): CutTail | undefined {
  const tail = tailBehindSegments(storage, evidence);
  return tail && cutAt(tail.end, tail);
}

/** As {@link cutTail}, for a ledger that was read up to the record before `end`. */
export function cutBehind(storage: Storage, end: number): CutTail | undefined {
  return cutAt(end, shownEnd(storage.names()));
}

function cutAt(from: number, { next, file }: ReturnType<typeof shownEnd>): CutTail | undefined {
  if (from >= next) return undefined;
  const through = next - 1;
  return {
    from,
    through,
    file,
    text: `@${from} to @${through} are missing: ${file} shows that they were written`,
  };
}

/**
 * The snapshots in the middle of the last segment. A segment ends where a snapshot is made, so they are of a ledger whose tail was
 * cut, and which went on with other records.
 */
export function straySnapshots(storage: Storage): string[] {
  // Most starts and questions find none behind the beginning of the last segment, and need not read it.
  const begins = segmentFirst(segmentNames(storage).at(-1) ?? "") ?? Infinity;
  if (!storage.names().some((name) => (snapshotNext(name) ?? 0) > begins)) return [];
  const tail = tailBehindSegments(storage, "snapshots");
  if (tail === undefined) return [];
  return storage.names().filter((name) => {
    const next = snapshotNext(name) ?? 0;
    return next > tail.first && next < tail.end;
  });
}

/** The last segment and what files show beyond its beginning; undefined where they show nothing: then it need not be read. */
function tailBehindSegments(
  storage: Storage,
  evidence: "all" | "snapshots",
):
  | { readonly first: number; readonly end: number; readonly next: number; readonly file: string }
  | undefined {
  // In this order: a writer may append in between.
  const names = storage.names().filter((name) => evidence === "all" || snapshotNext(name) !== undefined);
  const { next, file } = shownEnd(names);
  const last = segmentNames(storage).at(-1);
  const first = segmentFirst(last ?? "");
  if (first === undefined || next <= first) return undefined;
  const [newest] = readBackward(storage);
  return { first, end: newest === undefined ? first : Math.max(first, newest.offset + 1), next, file };
}
