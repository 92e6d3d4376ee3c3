// What can still be used of a damaged ledger: every record whose own line is whole (CRC), wherever it is. The hash chain
// cannot prove them any more, so they are not read as the ledger, only as what was last known.

import { decodeLine } from "./format.ts";
import type { LedgerRecord } from "./record.ts";
import { segmentBytes, segmentNames } from "./segment.ts";
import type { Storage } from "./storage.ts";

/** Yields the whole records in order; returns how many lines were none. One segment is in memory at a time. */
export function* salvage(storage: Storage): Generator<LedgerRecord, number> {
  let lost = 0;
  for (const name of segmentNames(storage)) {
    const bytes = segmentBytes(storage, name);
    // The first line is the header, which holds no record.
    for (let at = bytes.indexOf(0x0a) + 1; at > 0 && at < bytes.length;) {
      const newline = bytes.indexOf(0x0a, at);
      const record = decodeLine(bytes.subarray(at, newline < 0 ? bytes.length : newline));
      if (record === undefined) lost++;
      else yield record;
      if (newline < 0) break;
      at = newline + 1;
    }
  }
  return lost;
}
