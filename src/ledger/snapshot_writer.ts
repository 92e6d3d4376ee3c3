// Writes snapshots of a ledger while it is being written. After each snapshot, closed segments are compressed, and those
// beyond retention are removed. What fails on the disk is tried again with the next snapshot.

import { zstdCompressSync } from "node:zlib";
import { compressInSteps, inPieces } from "./compression.ts";
import { replaceByCompressed, retain, type Retention, uncompressed } from "./retention.ts";
import { encodeSnapshot, type Place, snapshotName, snapshotPieces } from "./snapshot.ts";
import type { Storage } from "./storage.ts";
import type { LedgerWriter } from "./writer.ts";

/** Closes the segment and writes a snapshot: `lines` are the state after all records so far. */
export function writeSnapshot(ledger: LedgerWriter, lines: Iterable<unknown>, retention: Retention): void {
  const { storage } = ledger;
  ledger.attempt(() => {
    const place = ledger.endSegment();
    putSnapshot(storage, place, encodeSnapshot(place, lines));
    for (const name of uncompressed(storage)) {
      replaceByCompressed(storage, name, zstdCompressSync(storage.read(name)));
    }
    retain(storage, retention, place.age);
  });
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
  const { storage } = ledger;
  const place = ledger.attempt(() => ledger.endSegment());
  if (place === undefined) return;
  const snapshot = await compressInSteps(snapshotPieces(place, lines));
  ledger.attempt(() => ledger.closed || putSnapshot(storage, place, snapshot));
  const closed = ledger.attempt(() => uncompressed(storage)) ?? [];
  for (const name of closed.filter((name) => name !== ledger.segment)) {
    const bytes = ledger.attempt(() => storage.read(name));
    if (bytes === undefined) return;
    const compressed = await compressInSteps(inPieces(bytes));
    ledger.attempt(() => ledger.closed || replaceByCompressed(storage, name, compressed));
  }
  ledger.attempt(() => ledger.closed || retain(storage, retention, place.age));
}

function putSnapshot(storage: Storage, { next }: Place, bytes: Uint8Array): void {
  const name = snapshotName(next);
  if (storage.names().includes(name)) storage.remove(name);
  storage.write(name, bytes);
  storage.syncFolder();
}
