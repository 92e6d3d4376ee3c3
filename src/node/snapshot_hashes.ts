// The hashes of snapshots, which checkpoints sign. Threads of the runtime read the files in small pieces: a disk may hang, and no batch
// waits for this.

import { createHash } from "node:crypto";
import type { SignedSnapshot } from "../ledger/checkpoint.ts";
import { snapshotName, snapshotNext } from "../ledger/snapshot.ts";
import type { AsideFile } from "../ledger/open_file.ts";
import { isStorageFailure } from "../ledger/storage.ts";
import { SIGNED_SNAPSHOTS_MAX } from "../limits/ledger.ts";
import { withAsideFile } from "./waitable_file.ts";

const PIECE_BYTES = 64 * 1024;

/**
 * The snapshots in `folder` behind the place `behind`, oldest first, the newest {@link SIGNED_SNAPSHOTS_MAX} of them; without a place
 * the newest alone. One that cannot be read is left out.
 */
export async function snapshotHashes(folder: string, behind: number | undefined): Promise<SignedSnapshot[]> {
  const places: number[] = [];
  for await (const { name, isFile } of Deno.readDir(folder)) {
    const next = isFile ? snapshotNext(name) : undefined;
    if (next !== undefined && next > (behind ?? -1)) places.push(next);
  }
  const wanted = places.sort((a, b) => a - b).slice(behind === undefined ? -1 : -SIGNED_SNAPSHOTS_MAX);
  const hashes: SignedSnapshot[] = [];
  for (const next of wanted) {
    const sha256 = await hashOfFile(`${folder}/${snapshotName(next)}`);
    if (sha256 !== undefined) hashes.push({ next, sha256 });
  }
  return hashes;
}

/** The SHA-256 of a file; undefined where it is gone, or cannot be read. */
async function hashOfFile(path: string): Promise<string | undefined> {
  try {
    return await withAsideFile(path, { read: true }, hashOf);
  } catch (error) {
    if (!isStorageFailure(error)) throw error;
    return undefined;
  }
}

async function hashOf(file: AsideFile): Promise<string> {
  const hash = createHash("sha256");
  const piece = new Uint8Array(PIECE_BYTES);
  let at = 0;
  for (;;) {
    const read = await file.read(piece, at);
    if (read === 0) return hash.digest("hex");
    hash.update(piece.subarray(0, read));
    at += read;
  }
}
