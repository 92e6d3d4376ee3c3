// Closed segments are compressed, and removed when they are too old or too large together. The segments after the newest
// snapshot are always kept, so that the newest state can be read. What is kept always begins with a snapshot.

import { RETENTION_SHARE_MAX } from "../limits.ts";
import type { Age } from "./age.ts";
import { COMPRESSED, segmentFirst, segmentNames, termsName } from "./format.ts";
import { journalName } from "./journal_file.ts";
import { snapshotAge, snapshotNext } from "./snapshot.ts";
import type { Storage } from "./storage.ts";

/** How much of the past to keep. */
export interface Retention {
  /** Most bytes of all segments and snapshots together. */
  readonly bytes: number;
  /** Longest age of a segment in milliseconds: how much the ledger has aged (age.ts) since the segment ended. */
  readonly milliseconds: number;
}

/** Names of the segments that are not compressed. */
export function uncompressed(storage: Storage): string[] {
  return segmentNames(storage).filter((name) => !name.endsWith(COMPRESSED));
}

/** Replaces the closed segment `name` with its compressed content. */
export function replaceByCompressed(storage: Storage, name: string, compressed: Uint8Array): void {
  const file = `${name}${COMPRESSED}`;
  // A crash may have left an incomplete one.
  if (storage.names().includes(file)) storage.remove(file);
  storage.write(file, compressed);
  storage.syncFolder();
  storage.remove(name);
}

/**
 * Removes the oldest segments beyond `retention`, each with its snapshot, terms and journal, and returns the names of the removed
 * files. `age` is that of the ledger now. One call removes at most the share {@link RETENTION_SHARE_MAX} of all bytes, or one
 * segment if that is more: a wrong setting or a wrong clock must not remove the whole past before a person can notice it.
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
    const after = segments[i + 1];
    const behind = after && snapshots.get(segmentFirst(after));
    // The last segment is the one that is written, or that the next start continues.
    if (behind === undefined) break;
    const old = age.milliseconds - snapshotAge(storage, behind).milliseconds;
    if (total <= bytes && old <= milliseconds) break;
    const first = segmentFirst(name)!;
    const going = [name, snapshots.get(first), termsName(name), journalName(first)].filter((
      gone,
    ): gone is string => gone !== undefined && sizes.has(gone));
    const left = total - going.reduce((sum, gone) => sum + sizes.get(gone)!, 0);
    if (removed.length > 0 && before - left > before * RETENTION_SHARE_MAX) break;
    for (const gone of going) storage.remove(gone);
    removed.push(...going);
    total = left;
  }
  if (removed.length > 0) storage.syncFolder();
  return removed;
}
