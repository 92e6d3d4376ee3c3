// What becomes of closed segments: they are compressed, and go when they are too old or too many. Never past what the
// newest snapshot needs, so HEAD can always be read; what remains begins with a snapshot.

import { RETENTION_SHARE_MAX } from "../limits.ts";
import type { Age } from "./age.ts";
import { COMPRESSED, segmentFirst } from "./format.ts";
import { termsName } from "./terms.ts";
import { segmentNames } from "./segment.ts";
import { snapshotAge, snapshotNext } from "./snapshot.ts";
import type { Storage } from "./storage.ts";

/** How much of the past is kept. */
export interface Retention {
  /** Most bytes of all segments and snapshots together. */
  readonly bytes: number;
  /** Longest age of a segment in milliseconds, counted from its end by the times in the ledger (age.ts). */
  readonly milliseconds: number;
}

/** Segments that are not compressed. */
export function uncompressed(storage: Storage): string[] {
  return segmentNames(storage).filter((name) => !name.endsWith(COMPRESSED));
}

/** Puts `compressed` in the place of the closed segment `name`. */
export function replaceByCompressed(storage: Storage, name: string, compressed: Uint8Array): void {
  const file = `${name}${COMPRESSED}`;
  // A crash may have left half of one.
  if (storage.names().includes(file)) storage.remove(file);
  storage.write(file, compressed);
  storage.syncFolder();
  storage.remove(name);
}

/**
 * Removes the oldest segments beyond `retention`, each with the snapshot it begins with; returns their names. `age`: the
 * ledger's. A segment is as old as the ledger has become since its end, by the times in its records: neither the wall clock
 * nor the times of files are asked. And at most {@link RETENTION_SHARE_MAX} of all bytes go at once, or one segment where
 * that is more, so that a wrong setting or a wrong clock cannot take the whole past before it is seen.
 */
export function retain(storage: Storage, { bytes, milliseconds }: Retention, age: Age): string[] {
  const names = storage.names();
  const sizes = new Map(names.map((name) => [name, storage.size(name)]));
  const snapshots = new Map(names.map((name) => [snapshotNext(name), name]));
  const segments = segmentNames(storage);
  const before = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  const removed: string[] = [];
  let total = before;
  for (const [i, name] of segments.entries()) {
    const behind = snapshots.get(segmentFirst(segments[i + 1] ?? ""));
    if (behind === undefined) break;
    const old = age.milliseconds - snapshotAge(storage, behind).milliseconds;
    if (total <= bytes && old <= milliseconds) break;
    const going = [name, snapshots.get(segmentFirst(name)), termsName(name)].filter((gone): gone is string =>
      gone !== undefined && sizes.has(gone)
    );
    const left = total - going.reduce((sum, gone) => sum + sizes.get(gone)!, 0);
    if (removed.length > 0 && before - left > before * RETENTION_SHARE_MAX) break;
    for (const gone of going) storage.remove(gone);
    removed.push(...going);
    total = left;
  }
  if (removed.length > 0) storage.syncFolder();
  return removed;
}
