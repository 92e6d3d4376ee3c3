// Readers of a ledger. They take no lock, so a ledger can be read while it is written; a line that is still being written is
// left out. They check the CRC and the offset of each record. The hash chain is proven by `verify` alone, because hashing
// every record would make each search slower.

import { isLedgerDamage, LedgerDamage } from "./damage.ts";
import { type DecodedRecord, decodeHeader, decodeRecord, segmentFirst } from "./format.ts";
import type { LedgerRecord, Offset } from "./record.ts";
import { type LedgerEnd, readSegments, segmentNames } from "./segment.ts";
import { type SegmentLine, segmentLines } from "./segment_lines.ts";
import type { Storage } from "./storage.ts";

/** A record and its place in the ledger. */
export interface Placed {
  /** Place of the record. */
  readonly offset: Offset;
  /** The record. */
  readonly record: LedgerRecord;
}

/**
 * The records of the ledger in `storage`, in order, from offset `from` on. The first may have a higher offset where retention
 * removed older ones. Throws LedgerDamage at a record that cannot be read.
 */
export function* readLedger(storage: Storage, from = 0): Generator<Placed, LedgerEnd | undefined> {
  const records = readSegments(storage, { from, proven: false });
  for (;;) {
    const { done, value } = records.next();
    if (done) return value;
    yield placed(value);
  }
}

/** As {@link readLedger}, newest first. Skips the closed segments for which `wanted` returns false. */
export function* readBackward(
  storage: Storage,
  wanted: (segment: string) => boolean = () => true,
): Generator<Placed> {
  const names = segmentNames(storage);
  for (const [i, name] of names.toReversed().entries()) {
    if (i > 0 && !wanted(name)) continue;
    const lines = recordLines(storage, name);
    for (let line = lines.length - 1; line >= 0; line--) {
      const decoded = decodeRecord(lines[line]!.bytes, segmentFirst(name)! + line, undefined);
      if (typeof decoded !== "string") yield placed(decoded);
      // The last line of a segment may be torn, even if another segment follows: after a failed write the next one begins.
      else if (line < lines.length - 1) throw damage(name, line, lines, decoded);
    }
  }
}

/** The records of one closed segment; lines that are no whole records are left out. */
export function* readSegmentRecords(storage: Storage, name: string): Generator<LedgerRecord> {
  for (const [line, { bytes }] of recordLines(storage, name).entries()) {
    const decoded = decodeRecord(bytes, segmentFirst(name)! + line, undefined);
    if (typeof decoded !== "string") yield decoded.record;
  }
}

/** Id of the ledger in `storage`, from the header of its newest segment; undefined where that is not whole. */
export function ledgerId(storage: Storage): string | undefined {
  const name = segmentNames(storage).at(-1);
  if (name === undefined) return undefined;
  const line = segmentLines(storage, name).next().value;
  const header = line && decodeHeader(line.bytes);
  return typeof header === "object" ? header.ledger : undefined;
}

/** A function that finds the record at an offset, if the ledger has it. It keeps the last segment it read in memory. */
export function recordLookup(storage: Storage): (offset: number) => LedgerRecord | undefined {
  const names = segmentNames(storage);
  let kept: { readonly name: string; readonly lines: readonly SegmentLine[] } | undefined;
  return (offset) => {
    const name = names.findLast((name) => segmentFirst(name)! <= offset);
    if (name === undefined) return undefined;
    if (kept?.name !== name) kept = { name, lines: recordLines(storage, name) };
    const line = offset - segmentFirst(name)!;
    const found = kept.lines[line];
    const decoded = found && decodeRecord(found.bytes, offset, undefined);
    if (typeof decoded === "string" && line < kept.lines.length - 1) {
      throw damage(name, line, kept.lines, decoded);
    }
    return typeof decoded === "object" ? decoded.record : undefined;
  };
}

/** The lines of a segment after its header; the last one may be torn. */
function recordLines(storage: Storage, name: string): SegmentLine[] {
  return [...segmentLines(storage, name)].slice(1);
}

function placed({ offset, record }: DecodedRecord): Placed {
  return { offset, record };
}

/** `line` counts from 0, without the header; messages count from 1, with the header. */
function damage(name: string, line: number, lines: readonly SegmentLine[], reason: string): LedgerDamage {
  return new LedgerDamage(name, line + 2, lines[line]!.at, reason);
}

/** Proves a whole ledger; returns what is wrong with it, as text for people. Empty when nothing is wrong. */
export function verifyLedger(storage: Storage): string[] {
  const records = readSegments(storage, { proven: true });
  try {
    for (;;) {
      const { done, value } = records.next();
      if (!done) continue;
      if (value?.torn === undefined) return [];
      const { file, keep, lostBytes, reason } = value.torn;
      return [`${file} (byte ${keep}): torn tail of ${lostBytes} bytes: ${reason}`];
    }
  } catch (error) {
    if (!isLedgerDamage(error)) throw error;
    return [error.message];
  }
}
