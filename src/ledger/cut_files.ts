// The files beside the segments that show how far a ledger reached, and what becomes of them where its end was cut off. The worker
// that writes the ledger needs no more of a cut than this.

import { snapshotNext } from "./snapshot.ts";
import type { Storage } from "./storage.ts";

/** File name of the key for the checkpoint after record `next` - 1, which is itself one, or precedes the first one. */
export function keyFile(next: number): string {
  return `${String(next).padStart(20, "0")}.key`;
}

/** The offset in the name of a key's file; undefined for files that are none. */
export function keyNext(name: string): number | undefined {
  const match = /^(\d{20})\.key$/.exec(name);
  return match === null ? undefined : Number(match[1]);
}

/**
 * Removes the snapshots behind a cut before offset `from`, because the records that the ledger goes on with are not those that they
 * follow, and gives the key of the next checkpoint a name before the cut. The gap is durable, so what these files show is recorded.
 */
export function removeBehind(storage: Storage, from: number): void {
  for (const name of storage.names()) {
    if ((keyNext(name) ?? 0) > from) storage.write(keyFile(from), storage.read(name));
    if ((keyNext(name) ?? snapshotNext(name) ?? 0) > from) storage.remove(name);
  }
  storage.syncFolder();
}
