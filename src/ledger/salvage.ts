// What can still be used of a damaged ledger: its newest whole snapshot, and behind it every record whose own line is whole
// (CRC), wherever it is. The hash chain cannot prove them any more, so they are not read as the ledger, only as what was
// last known.

import { isLedgerDamage } from "./damage.ts";
import { type DecodedLine, decodeLine, segmentFirst } from "./format.ts";
import { segmentNames } from "./segment.ts";
import { segmentLines } from "./segment_lines.ts";
import type { Storage } from "./storage.ts";

/**
 * Yields the whole records from offset `from` on, in order; returns how many lines were none. One piece of a segment is in
 * memory at a time.
 */
export function* salvage(storage: Storage, from = 0): Generator<DecodedLine, number> {
  let lost = 0;
  const names = segmentNames(storage);
  for (const [i, name] of names.entries()) {
    const next = segmentFirst(names[i + 1] ?? "");
    if (next !== undefined && next <= from) continue;
    const lines = wholeLines(storage, name);
    for (let line = lines.next();; line = lines.next()) {
      if (line.done) {
        lost += line.value;
        break;
      }
      const decoded = decodeLine(line.value);
      if (decoded === undefined) lost++;
      else if (decoded.offset >= from) yield decoded;
    }
  }
  return lost;
}

/** Lines of a segment without its header, which holds no record; returns how many could not be read: 0 or 1. */
function* wholeLines(storage: Storage, name: string): Generator<Uint8Array, number> {
  try {
    let header = true;
    for (const { bytes } of segmentLines(storage, name)) {
      if (!header) yield bytes;
      header = false;
    }
    return 0;
  } catch (error) {
    if (!isLedgerDamage(error)) throw error;
    return 1;
  }
}
