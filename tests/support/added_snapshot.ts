// A snapshot behind all records of a ledger, as a program makes one when it ends.

import { emptyState } from "../../src/fold/cluster_state.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { snapshotLines } from "../../src/fold/snapshot.ts";
import type { Offset } from "../../src/ledger/record.ts";
import { readSegments } from "../../src/ledger/segment.ts";
import { encodeSnapshot, snapshotName } from "../../src/ledger/snapshot.ts";
import type { Storage } from "../../src/ledger/storage.ts";

/** Adds it; returns its place. The next record begins a segment. */
export function addSnapshot(storage: Storage) {
  const state = emptyState();
  const records = readSegments(storage, { proven: true });
  let next = records.next();
  for (; !next.done; next = records.next()) foldRecord(state, next.value.offset as Offset, next.value.record);
  const place = { ...next.value!, age: { milliseconds: 0 } };
  storage.write(snapshotName(place.next), encodeSnapshot(place, snapshotLines(state)));
  return place;
}
