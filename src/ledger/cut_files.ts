// The files beside the segments that show how far a ledger reached, and what becomes of them where its end was cut off. The writer
// of the ledger needs no more of a cut than this.

import { namedOffset } from "./record.ts";
import { snapshotNext } from "./snapshot.ts";
import type { DiskFolder } from "./disk_folder.ts";
import type { DiskWork } from "./disk_work.ts";

/** File name of the key for the checkpoint after record `next` - 1, which is itself one, or precedes the first one. */
export function keyFile(next: number): string {
  return `${String(next).padStart(20, "0")}.key`;
}

/** The offset in the name of a key's file; undefined for files that are none. */
export function keyNext(name: string): number | undefined {
  return namedOffset(/^(\d{20})\.key$/.exec(name)?.[1]);
}

/**
 * Removes the snapshots behind a cut before offset `from`, because the records that the ledger goes on with are not those that they
 * follow, and gives the key of the next checkpoint a name before the cut. The gap is durable, so what these files show is recorded.
 */
export function* removeBehind(folder: DiskFolder, from: number): DiskWork<void> {
  for (const name of yield* folder.names()) {
    if ((keyNext(name) ?? 0) > from) yield* folder.write(keyFile(from), yield* folder.read(name));
    if ((keyNext(name) ?? snapshotNext(name) ?? 0) > from) yield* folder.remove(name);
  }
  yield* folder.syncFolder();
}

/** Removes the files `names`. */
export function* removeFiles(folder: DiskFolder, names: readonly string[]): DiskWork<void> {
  for (const name of names) yield* folder.remove(name);
}
