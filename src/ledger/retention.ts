// What becomes of closed segments: they are compressed, and go when they are too old or too many. Never past what the
// newest snapshot needs, so HEAD can always be read; what remains begins with a snapshot.

import { COMPRESSED, segmentFirst } from "./format.ts";
import { termsName } from "./terms.ts";
import { segmentNames } from "./segment.ts";
import { snapshotNext } from "./snapshot.ts";
import type { Storage } from "./storage.ts";

/** How much of the past is kept. */
export interface Retention {
  /** Most bytes of all segments and snapshots together. */
  readonly bytes: number;
  /** Longest age of a segment in milliseconds, counted from when it was closed. */
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

/** Removes the oldest segments beyond `retention`, each with the snapshot it begins with; returns their names. */
export function retain(storage: Storage, { bytes, milliseconds }: Retention, now: number): string[] {
  const names = storage.names();
  const snapshots = new Map(names.map((name) => [snapshotNext(name), name]));
  const segments = segmentNames(storage);
  const removed: string[] = [];
  let total = names.reduce((sum, name) => sum + storage.size(name), 0);
  for (const [i, name] of segments.entries()) {
    const next = segmentFirst(segments[i + 1] ?? "");
    if (next === undefined || !snapshots.has(next)) break;
    if (total <= bytes && now - storage.modified(name) <= milliseconds) break;
    for (const gone of [name, snapshots.get(segmentFirst(name)), termsName(name)]) {
      if (gone === undefined || !names.includes(gone)) continue;
      total -= storage.size(gone);
      storage.remove(gone);
      removed.push(gone);
    }
  }
  if (removed.length > 0) storage.syncFolder();
  return removed;
}
