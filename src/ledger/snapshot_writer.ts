// Writes snapshots of a ledger while it is being written. After each snapshot, closed segments are compressed, and those
// beyond retention are removed. What fails on the disk is tried again with the next snapshot.

import type { Age } from "./age.ts";
import { compressed } from "./compression.ts";
import type { DiskFolder } from "./disk_folder.ts";
import { atOnce, type DiskWork } from "./disk_work.ts";
import type { DiskWriter } from "./disk_writer.ts";
import { segmentFirst, segmentsAmong } from "./format.ts";
import { replaceByCompressed, retain, type Retention, uncompressed } from "./retention.ts";
import { encodeSnapshot, type Place, snapshotName } from "./snapshot.ts";
import type { LedgerWriter } from "./writer.ts";

/** Closes the segment and writes a snapshot: `lines` are the state after all records so far. */
export function writeSnapshot(ledger: LedgerWriter, lines: Iterable<unknown>, retention: Retention): void {
  const { disk, place } = ledger;
  const ended = atOnce(disk.attempt(endSegment(disk)));
  if (ended) atOnce(finishSnapshot(disk, place, encodeSnapshot(place, lines), retention));
}

function* endSegment(disk: DiskWriter): DiskWork<true> {
  yield* disk.endSegment();
  return true;
}

/**
 * Puts the snapshot `bytes` of the state at `place` into the folder; compresses closed segments and removes old ones. Between its
 * calls lines may be appended. Once the writer is closed, the remaining steps are left out.
 */
export function* finishSnapshot(
  disk: DiskWriter,
  place: Place,
  bytes: Uint8Array,
  retention: Retention,
): DiskWork<void> {
  const { folder } = disk;
  if (!disk.closed) yield* disk.attemptBeside(putSnapshot(folder, place, bytes));
  // A segment from the snapshot's place on is open, or is being begun.
  yield* compressBefore(disk, place.next);
  if (!disk.closed) yield* disk.attemptBeside(retain(folder, retention, place.age));
}

/**
 * For a disk without room: compresses what a snapshot left because there was no room for it, and removes old segments. In this order,
 * because retention counts bytes, and a segment has a tenth of them once it is compressed. `age` is that of the ledger now.
 */
export function* freeRoom(disk: DiskWriter, retention: Retention, age: Age): DiskWork<void> {
  const last = segmentsAmong((yield* disk.attemptBeside(disk.folder.names())) ?? []).at(-1);
  // The last segment is the one that is written, or that is cut before the next write.
  if (last !== undefined) yield* compressBefore(disk, segmentFirst(last)!);
  if (!disk.closed) yield* disk.attemptBeside(retain(disk.folder, retention, age));
}

/** Compresses the closed segments that begin before offset `next`. */
function* compressBefore(disk: DiskWriter, next: number): DiskWork<void> {
  const { folder } = disk;
  const names = (yield* disk.attemptBeside(uncompressed(folder))) ?? [];
  for (const name of names.filter((name) => (segmentFirst(name) ?? Infinity) < next)) {
    if (disk.closed) return;
    const content = yield* disk.attemptBeside(folder.read(name));
    if (content === undefined) return;
    const replacement = yield* compressed(content);
    if (!disk.closed) yield* disk.attemptBeside(replaceByCompressed(folder, name, replacement));
  }
}

function* putSnapshot(folder: DiskFolder, { next }: Place, bytes: Uint8Array): DiskWork<void> {
  const name = snapshotName(next);
  if ((yield* folder.names()).includes(name)) yield* folder.remove(name);
  yield* folder.write(name, bytes);
  yield* folder.syncFolder();
}
