// A ledger as questions read it: its records forward and backward, single records, snapshots, and the proof of its hash
// chain. Questions take this value instead of a folder, so that they need no disk and no clock.

import { hash } from "node:crypto";
import { assert } from "../invariant.ts";
import { CheckpointChain } from "./checkpoint_chain.ts";
import { type CutTail, cutTail, straySnapshots } from "./cut.ts";
import { isLedgerDamage, LedgerDamage } from "./damage.ts";
import { segmentFirst, segmentNames, termsName } from "./format.ts";
import { askAgain, ifThere, isSegmentGone, SegmentGone } from "./gone.ts";
import { LineIndex } from "./line_index.ts";
import { journalName, readJournal, writeJournal } from "./journal_file.ts";
import { ledgerId, type Placed, placedRecords, readBackward, recordLookup } from "./reader.ts";
import { type Offset, offsetOf } from "./record.ts";
import { readSegments, type TornTail } from "./segment.ts";
import {
  newestSnapshot,
  type Place,
  readSnapshot,
  type Snapshot,
  snapshotName,
  snapshotNext,
} from "./snapshot.ts";
import type { LineCheck } from "./snapshot_text.ts";
import type { Storage } from "./storage.ts";
import { type Search, searchTerms, segmentTerms, termsFault } from "./terms.ts";
import { type ApiWriter, readWriters } from "./writers_file.ts";

/** Reports progress: called once with the name of the work; then the function that it returned is called with counts. */
export type Progress = (work: string) => (count: number) => void;

/** A record whose place in the hash chain is proven. */
export interface ProvenRecord extends Placed {
  /** Hash chain after the record, 64 hex digits. */
  readonly chain: string;
}

/** The result of a proof. */
export type ProofEnd =
  | { readonly kind: "whole"; readonly ledger: string }
  /** A crash cut the last write. The next start removes what is left of it. */
  | { readonly kind: "torn"; readonly ledger: string; readonly torn: TornTail }
  | { readonly kind: "damaged"; readonly damage: LedgerDamage };

/** See the head of this file. `Line` is the type of a snapshot's lines. Each call reads the ledger as it is at that time. */
export interface LedgerView<Line> {
  /** The ledger's folder, for messages. */
  readonly path: string;
  /** Long questions report their progress here. */
  readonly progress: Progress;
  /** Id of the ledger, 16 hex digits; "" where no segment has a whole header. */
  id(): string;
  /** Offset of the oldest record that retention has kept. */
  first(): Offset;
  /** Offset of the first record of each segment, in order. */
  segments(): Offset[];
  /** Offset of the first record after each snapshot, in order. */
  snapshots(): Offset[];
  /** Records in order, from the one at `from` to the one at `through`. Damage behind that does not matter. */
  records(from?: number, through?: number): Iterable<Placed>;
  /** As {@link LedgerView.records}, for a fold: what commits changed is left out, and they have no `changes`. */
  recordsToFold(from?: number, through?: number): Iterable<Placed>;
  /** Records from the one at `through` back, newest first. Skips segments that cannot have a match for `search`; the caller still has to filter. */
  newestFirst(search?: Search, through?: number): Iterable<Placed>;
  /** Who wrote the objects of events, by offset, where an audit log was imported. Throws LedgerDamage. */
  writers(): ReadonlyMap<number, ApiWriter>;
  /** A function that returns the record at an offset, if the ledger has it. It is fast for offsets in one segment. */
  lookup(): (offset: number) => Placed | undefined;
  /** The newest whole snapshot whose state is that before record `next`, or before an earlier record. */
  snapshotBefore(next: number): Snapshot<Line> | undefined;
  /** The snapshot of the state before record `next`, or the reason why it cannot be used. */
  snapshot(next: number): Snapshot<Line> | string;
  /** SHA-256 of that snapshot's file, 64 hex digits; undefined where there is none. */
  snapshotHash(next: number): string | undefined;
  /** Name of that snapshot's file, for messages. */
  snapshotName(next: number): string;
  /** Records that are missing at the end; undefined where nothing shows that any are. */
  cut(): CutTail | undefined;
  /** What is wrong with the terms that searches use, as text with the name of the file. */
  termsFaults(): string[];
  /** Asks a question, and asks it again where retention removes what it reads. */
  again<T>(ask: () => T): T;
  /** Does work that can do without what is damaged; returns the damage that it met. */
  damageIn(work: () => void): LedgerDamage | undefined;
  /** The error of a question that has noticed this by itself: {@link LedgerView.again} asks again. */
  overtaken(): Error;
  /** What a question kept of the closed segment from `first` to the record before `next`; undefined where there is nothing. */
  journal(first: number, next: number): string | undefined;
  /** Keeps `text` as that, where the folder can be written. It must follow from the records alone. */
  keepJournal(first: number, next: number, text: string): void;
  /** Name of the file that has it, for messages. */
  journalName(first: number): string;
  /** Verifies checkpoints, from the key `trusted` on where one is given. */
  checkpoints(trusted?: string): CheckpointChain;
  /** Proves the hash chain, from the beginning or from the place of a snapshot. */
  prove(behind?: Place): Generator<ProvenRecord, ProofEnd>;
}

/** Ignores progress. */
export const NO_PROGRESS: Progress = () => () => {};

/** The ledger in `storage`, which must have a segment. `check` returns what is wrong with a line of a snapshot. */
export function ledgerView<Line>(
  storage: Storage,
  check: LineCheck,
  progress: Progress = NO_PROGRESS,
): LedgerView<Line> {
  const segments = () => segmentNames(storage).map((name) => segmentFirst(name)!);
  const index = new LineIndex();
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
    snapshots: () => storage.names().flatMap((name) => snapshotNext(name) ?? []),
    records: (from = 0, through = Infinity) => placedRecords(storage, { from, through, index }),
    recordsToFold: (from = 0, through = Infinity) =>
      placedRecords(storage, { from, through, index, brief: true }),
    newestFirst: (search = {}, through = Infinity) =>
      readBackward(storage, canHold(storage, search, progress), index, through),
    writers: () => readWriters(storage, ledgerId(storage) ?? ""),
    lookup: () => lookup(storage, index),
    snapshotBefore: (next) => newestSnapshot<Line>(storage, next, check, straySnapshots(storage)),
    snapshot: (next) => readSnapshot<Line>(storage, snapshotName(next), check),
    snapshotHash: (next) => snapshotHash(storage, next),
    snapshotName,
    cut: () => cutTail(storage),
    termsFaults: () => termsFaults(storage),
    checkpoints: (trusted) => new CheckpointChain(trusted),
    again: askAgain,
    damageIn,
    overtaken: () => new SegmentGone(storage.path),
    journal: (first, next) => readJournal(storage, first, next),
    keepJournal: (first, next, text) => writeJournal(storage, first, next, text),
    journalName,
    prove: (behind) => prove(storage, behind),
  };
}

/** Throws LedgerDamage for a record of a tail that was cut: that it is not here does not say that it never was. */
function lookup(storage: Storage, index: LineIndex): (offset: number) => Placed | undefined {
  let cut: { readonly tail: CutTail | undefined } | undefined;
  const record = recordLookup(storage, index);
  let writers: ReadonlyMap<number, ApiWriter> | undefined;
  return (offset) => {
    const found = record(offset);
    if (found !== undefined) {
      writers ??= readWriters(storage, ledgerId(storage) ?? "");
      const writer = writers.get(offset);
      return { offset: offsetOf(offset), record: found, ...(writer === undefined ? {} : { writer }) };
    }
    cut ??= { tail: cutTail(storage) };
    if (cut.tail === undefined || offset < cut.tail.from || offset > cut.tail.through) return undefined;
    throw new LedgerDamage(cut.tail.file, 1, 0, cut.tail.text);
  };
}

function snapshotHash(storage: Storage, next: number): string | undefined {
  const bytes = ifThere(() => storage.read(snapshotName(next)));
  return bytes && hash("sha256", bytes, "hex");
}

function damageIn(work: () => void): LedgerDamage | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (isLedgerDamage(error)) return error;
    throw error;
  }
}

function termsFaults(storage: Storage): string[] {
  const names = segmentNames(storage);
  return names.slice(0, -1).flatMap((name, i) => {
    try {
      const fault = termsFault(storage, name, names[i + 1]!);
      return fault === undefined ? [] : [`${termsName(name)}: ${fault}; searches do not use them`];
    } catch (error) {
      // What is wrong with a segment is found by its own proof.
      if (isLedgerDamage(error) || isSegmentGone(error)) return [];
      throw error;
    }
  });
}

/** Whether a closed segment can have a match for `search`. Without a search no terms are read and none are made. */
function canHold(
  storage: Storage,
  search: Search,
  progress: Progress,
): (segment: string, after: string) => boolean {
  const { since, until } = search;
  const wanted = searchTerms(search);
  if (wanted.length === 0 && since === undefined && until === undefined) return () => true;
  const counted = progress("segments searched");
  let searched = 0;
  return (segment, after) => {
    counted(++searched);
    let isWanted = true;
    // What a damaged segment has is not known. Reading it shows whether the damage matters.
    damageIn(() => {
      const { terms, begins, ends } = segmentTerms(storage, segment, after);
      isWanted = begins <= (until ?? Infinity) && ends >= (since ?? -Infinity) &&
        wanted.every((term) => terms.has(term));
    });
    return isWanted;
  };
}

function* prove(storage: Storage, behind: Place | undefined): Generator<ProvenRecord, ProofEnd> {
  const records = readSegments(storage, { behind, proven: true });
  try {
    for (;;) {
      const { done, value } = records.next();
      if (!done) yield value;
      else if (value?.torn) return { kind: "torn", ledger: value.ledger, torn: value.torn };
      else return { kind: "whole", ledger: value?.ledger ?? "" };
    }
  } catch (error) {
    if (!isLedgerDamage(error)) throw error;
    return { kind: "damaged", damage: error };
  }
}
