// Makes snapshots of a ledger that is written, and with each of them does what closed segments wait for: they are compressed,
// and those beyond retention removed. What the disk refuses is left for the next time.

import { zstdCompressSync } from "node:zlib";
import { compressInSteps, inPieces } from "./compression.ts";
import { replaceByCompressed, retain, type Retention, uncompressed } from "./retention.ts";
import { encodeSnapshot, type Place, snapshotName, snapshotPieces } from "./snapshot.ts";
import type { Storage } from "./storage.ts";
import type { LedgerWriter } from "./writer.ts";

/** Writes `lines`, the state that all records so far make, as a snapshot, and closes the segment. */
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
 * As {@link writeSnapshot}, in small steps between which records may be appended: `lines` must go on telling the state of
 * the call. One at a time; when the writer is disposed of, what is not finished is left.
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
