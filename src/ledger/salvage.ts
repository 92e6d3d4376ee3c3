// Recovers what can still be used of a damaged ledger: the records whose own lines are whole, by their CRC. Behind the damage
// the hash chain proves nothing, so these records are no ledger. They only give the last known state of the cluster.

import { isLedgerDamage } from "./damage.ts";
import { segmentFirst, segmentNames } from "./format.ts";
import { type DecodedLine, decodeLine } from "./line_decoder.ts";
import { segmentLines } from "./segment_lines.ts";
import type { Storage } from "./storage.ts";

/**
 * Yields the whole records from offset `from` on, in the order of the files; returns how many lines were not whole records.
 * Only one piece of a segment is in memory at a time.
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

/** Lines of a segment after its header. Returns 1 where the segment could not be read to its end, else 0. */
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
