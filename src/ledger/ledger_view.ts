// A ledger as questions read it: records forward and backward, one record, snapshots, and the proof of the whole chain.
// Questions take this value and never a folder, so that they need no disk and no clock.

import { assert } from "../invariant.ts";
import { segmentFirst } from "./format.ts";
import { ledgerId, type Placed, readBackward, readLedger, recordLookup } from "./reader.ts";
import { type Offset, offsetOf } from "./record.ts";
import { isLedgerDamage, type LedgerDamage } from "./damage.ts";
import { readSegments, segmentNames, type TornTail } from "./segment.ts";
import {
  type LineCheck,
  newestSnapshot,
  type Place,
  readSnapshot,
  type Snapshot,
  snapshotName,
  snapshotNext,
} from "./snapshot.ts";
import type { Storage } from "./storage.ts";
import { type Search, searchTerms, segmentTerms } from "./terms.ts";

/** Called with the name of a long piece of work; returns the function to call with the count so far. */
export type Progress = (work: string) => (count: number) => void;

/** A record whose place in the hash chain is proven. */
export interface ProvenRecord extends Placed {
  /** Hash chain after the record, 64 hex digits. */
  readonly chain: string;
}

/** How a proof ends. */
export type ProofEnd =
  | { readonly kind: "whole"; readonly ledger: string }
  /** A crash cut the last write; the next start removes the rest. */
  | { readonly kind: "torn"; readonly ledger: string; readonly torn: TornTail }
  | { readonly kind: "damaged"; readonly damage: LedgerDamage };

/** See the head of this file. `Line` is what snapshots are made of. Each call reads the ledger as it is then. */
export interface LedgerView<Line> {
  /** The ledger's folder, for messages. */
  readonly path: string;
  /** What long questions report their progress to. */
  readonly progress: Progress;
  /** Id of the ledger, 16 hex digits; "" where no segment has a whole header. */
  id(): string;
  /** Offset of the first record that is kept. */
  first(): Offset;
  /** Offsets at which segments begin, in order. */
  segments(): Offset[];
  /** Offsets of the records that snapshots stand before, in order. */
  snapshots(): Offset[];
  /** Records in order, beginning with the one at `from`. */
  records(from?: number): Iterable<Placed>;
  /** Records, newest first. Segments that cannot hold what `search` looks for are left out; other records are not. */
  newestFirst(search?: Search): Iterable<Placed>;
  /** A function that returns the record at an offset, where it is kept. It is quick for offsets near each other. */
  lookup(): (offset: number) => Placed | undefined;
  /** The newest whole snapshot that stands before record `next` or an earlier one. */
  snapshotBefore(next: number): Snapshot<Line> | undefined;
  /** The snapshot that stands before record `next`, or what is wrong with it. */
  snapshot(next: number): Snapshot<Line> | string;
  /** The file of that snapshot, for messages. */
  snapshotName(next: number): string;
  /** Proves the hash chain from the beginning, or from a snapshot's place. */
  prove(behind?: Place): Generator<ProvenRecord, ProofEnd>;
}

/** Reports no progress. */
export const NO_PROGRESS: Progress = () => () => {};

/** The ledger in `storage`, which has a segment; `check` says what is wrong with a line of a snapshot. */
export function ledgerView<Line>(
  storage: Storage,
  check: LineCheck,
  progress: Progress = NO_PROGRESS,
): LedgerView<Line> {
  const segments = () => segmentNames(storage).map((name) => offsetOf(segmentFirst(name)!));
  return {
    path: storage.path,
    progress,
    id: () => ledgerId(storage) ?? "",
    first() {
      const [first] = segments();
      assert(first !== undefined, "a ledger has a segment");
      return first;
    },
    segments,
    snapshots: () => storage.names().flatMap((name) => snapshotNext(name) ?? []).map(offsetOf),
    records: (from) => readLedger(storage, from),
    newestFirst: (search = {}) => readBackward(storage, canHold(storage, search, progress)),
    lookup: () => lookup(storage),
    snapshotBefore: (next) => newestSnapshot<Line>(storage, next, check),
    snapshot: (next) => readSnapshot<Line>(storage, snapshotName(next), check),
    snapshotName,
    prove: (behind) => prove(storage, behind),
  };
}

function lookup(storage: Storage): (offset: number) => Placed | undefined {
  const record = recordLookup(storage);
  return (offset) => {
    const found = record(offset);
    return found && { offset: offsetOf(offset), record: found };
  };
}

/** Which closed segments can hold what is looked for. Without a search the index is not read, and not made. */
function canHold(storage: Storage, search: Search, progress: Progress): (segment: string) => boolean {
  const { since, until } = search;
  const wanted = searchTerms(search);
  if (wanted.length === 0 && since === undefined && until === undefined) return () => true;
  const counted = progress("segments searched");
  let searched = 0;
  return (segment) => {
    counted(++searched);
    const { terms, begins, ends } = segmentTerms(storage, segment);
    return begins <= (until ?? Infinity) && ends >= (since ?? -Infinity) &&
      wanted.every((term) => terms.has(term));
  };
}

function* prove(storage: Storage, behind: Place | undefined): Generator<ProvenRecord, ProofEnd> {
  const records = readSegments(storage, { behind, proven: true });
  try {
    for (;;) {
      const { done, value } = records.next();
      if (!done) yield { ...value, offset: offsetOf(value.offset) };
      else if (value?.torn) return { kind: "torn", ledger: value.ledger, torn: value.torn };
      else return { kind: "whole", ledger: value?.ledger ?? "" };
    }
  } catch (error) {
    if (!isLedgerDamage(error)) throw error;
    return { kind: "damaged", damage: error };
  }
}
