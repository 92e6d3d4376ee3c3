// Writes snapshots of a ledger while it is being written. After each snapshot, closed segments are compressed, and those
// beyond retention are removed. What fails on the disk is tried again with the next snapshot.

import { zstdCompressSync } from "node:zlib";
import { compressInSteps, inPieces } from "./compression.ts";
import type { DiskWriter } from "./disk_writer.ts";
import { segmentFirst } from "./format.ts";
import { replaceByCompressed, retain, type Retention, uncompressed } from "./retention.ts";
import { encodeSnapshot, type Place, snapshotName, snapshotPieces } from "./snapshot.ts";
import type { Storage } from "./storage.ts";
import type { LedgerWriter } from "./writer.ts";

/** Closes the segment and writes a snapshot: `lines` are the state after all records so far. */
export function writeSnapshot(ledger: LedgerWriter, lines: Iterable<unknown>, retention: Retention): void {
  const { disk, place } = ledger;
  disk.attempt(() => {
    disk.endSegment();
    finishSnapshot(disk.storage, place, encodeSnapshot(place, lines), retention);
  });
}

/** Puts the snapshot `bytes` of the state at `place` into `storage`; compresses closed segments and removes old ones. */
export function finishSnapshot(
  storage: Storage,
  place: Place,
  bytes: Uint8Array,
  retention: Retention,
): void {
  putSnapshot(storage, place, bytes);
  for (const name of uncompressed(storage)) {
    // A segment may have been begun after this place.
    if ((segmentFirst(name) ?? Infinity) >= place.next) continue;
    replaceByCompressed(storage, name, zstdCompressSync(storage.read(name)));
  }
  retain(storage, retention, place.age);
}

/**
 * As {@link writeSnapshot}, in small steps. Records may be appended between the steps, but `lines` must keep the state at the
 * time of the call. Only one call may run at a time. When the writer is disposed of, the remaining steps are left out.
 */
export async function writeSnapshotInSteps(
  ledger: LedgerWriter,
  lines: Iterable<unknown>,
  retention: Retention,
): Promise<void> {
  const { disk, place } = ledger;
  if (disk.attempt(() => disk.endSegment() ?? true) === undefined) return;
  await finishInSteps(disk, place, await compressInSteps(snapshotPieces(place, lines)), retention);
}

/** As {@link finishSnapshot}, in small steps, between which lines may be appended. */
export async function finishInSteps(
  disk: DiskWriter,
  place: Place,
  snapshot: Uint8Array,
  retention: Retention,
): Promise<void> {
  const { storage } = disk;
  disk.attempt(() => disk.closed || putSnapshot(storage, place, snapshot));
  const closed = disk.attempt(() => uncompressed(storage)) ?? [];
  for (const name of closed.filter((name) => name !== disk.segment)) {
    const bytes = disk.attempt(() => storage.read(name));
    if (bytes === undefined) return;
    const compressed = await compressInSteps(inPieces(bytes));
    disk.attempt(() => disk.closed || replaceByCompressed(storage, name, compressed));
  }
  disk.attempt(() => disk.closed || retain(storage, retention, place.age));
}

function putSnapshot(storage: Storage, { next }: Place, bytes: Uint8Array): void {
  const name = snapshotName(next);
  if (storage.names().includes(name)) storage.remove(name);
  storage.write(name, bytes);
  storage.syncFolder();
}
