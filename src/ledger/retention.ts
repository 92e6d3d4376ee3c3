// Closed segments are compressed, and removed when they are too old or too large together. The segments after the newest
// snapshot are always kept, so that the newest state can be read. What is kept always begins with a snapshot.

import { RETENTION_SHARE_MAX } from "../limits/ledger.ts";
import type { Age } from "./age.ts";
import type { DiskFolder } from "./disk_folder.ts";
import type { DiskWork } from "./disk_work.ts";
import { COMPRESSED, segmentFirst, segmentsAmong, termsName } from "./format.ts";
import { journalName } from "./journal_file.ts";
import { SNAPSHOT_HEAD_BYTES, snapshotAge, snapshotHead, snapshotNext } from "./snapshot.ts";

/** How much of the past to keep. */
export interface Retention {
  /** Most bytes of all segments and snapshots together. */
  readonly bytes: number;
  /** Longest age of a segment in milliseconds: how much the ledger has aged (age.ts) since the segment ended. */
  readonly milliseconds: number;
}

/** How far back a ledger reaches. */
export interface KeptPast {
  /** How much of its age is kept, in milliseconds. */
  readonly milliseconds: number;
  /** Whether anything was removed. */
  readonly isCut: boolean;
}

/** How far back the ledger in `folder` reaches, which has the age `age` now; undefined where its first snapshot cannot be read. */
export function* keptPast(folder: DiskFolder, age: Age): DiskWork<KeptPast | undefined> {
  const names = yield* folder.names();
  const [oldest] = segmentsAmong(names);
  const first = oldest === undefined ? 0 : segmentFirst(oldest)!;
  if (first === 0) return { milliseconds: age.milliseconds, isCut: false };
  const snapshot = names.find((name) => snapshotNext(name) === first);
  if (snapshot === undefined) return undefined;
  const before = snapshotHead(yield* folder.read(snapshot, 0, SNAPSHOT_HEAD_BYTES))?.age;
  return before && { milliseconds: Math.max(0, age.milliseconds - before.milliseconds), isCut: true };
}

/** Names of the segments that are not compressed. */
export function* uncompressed(folder: DiskFolder): DiskWork<string[]> {
  return segmentsAmong(yield* folder.names()).filter((name) => !name.endsWith(COMPRESSED));
}

/** Replaces the closed segment `name` with its compressed content. */
export function* replaceByCompressed(
  folder: DiskFolder,
  name: string,
  compressed: Uint8Array,
): DiskWork<void> {
  const file = `${name}${COMPRESSED}`;
  // A crash may have left an incomplete one.
  if ((yield* folder.names()).includes(file)) yield* folder.remove(file);
  yield* folder.write(file, compressed);
  yield* folder.syncFolder();
  yield* folder.remove(name);
}

/**
 * Removes the oldest segments beyond `retention`, each with its snapshot, terms and journal, and returns the names of the removed
 * files. `age` is that of the ledger now. One call removes at most the share {@link RETENTION_SHARE_MAX} of all bytes, or one
 * segment if that is more: a wrong setting or a wrong clock must not remove the whole past before a person can notice it.
 */
export function* retain(
  folder: DiskFolder,
  { bytes, milliseconds }: Retention,
  age: Age,
): DiskWork<string[]> {
  const names = yield* folder.names();
  const sizes = new Map<string, number>();
  for (const name of names) {
    const size = yield* sizeOf(folder, name);
    if (size !== undefined) sizes.set(name, size);
  }
  const snapshots = new Map(names.map((name) => [snapshotNext(name), name]));
  const segments = segmentsAmong(names);
  const before = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  const removed: string[] = [];
  let total = before;
  for (const [i, name] of segments.entries()) {
    const after = segments[i + 1];
    const behind = after && snapshots.get(segmentFirst(after));
    // The last segment is the one that is written, or that the next start continues.
    if (behind === undefined) break;
    const old = age.milliseconds -
      snapshotAge(yield* folder.read(behind, 0, SNAPSHOT_HEAD_BYTES)).milliseconds;
    if (total <= bytes && old <= milliseconds) break;
    const first = segmentFirst(name)!;
    const going = [name, snapshots.get(first), termsName(name), journalName(first)].filter((
      gone,
    ): gone is string => gone !== undefined && sizes.has(gone));
    const left = total - going.reduce((sum, gone) => sum + sizes.get(gone)!, 0);
    if (removed.length > 0 && before - left > before * RETENTION_SHARE_MAX) break;
    for (const gone of going) yield* folder.remove(gone);
    removed.push(...going);
    total = left;
  }
  if (removed.length > 0) yield* folder.syncFolder();
  return removed;
}

/** Undefined where the file is gone: commands write files too, and give them their names at the end. */
function* sizeOf(folder: DiskFolder, name: string): DiskWork<number | undefined> {
  try {
    return yield* folder.size(name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
