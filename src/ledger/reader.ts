// Readers of a ledger: they take no lock, so a ledger can be read while it is written; a tail that is being written is
// left out. They check each record's CRC and offset; that nothing was altered is for verify to prove.

import { type DecodedRecord, decodeHeader, decodeRecord, segmentFirst } from "./format.ts";
import { type LedgerRecord, type Offset, offsetOf } from "./record.ts";
import { isLedgerDamage, LedgerDamage } from "./damage.ts";
import { type LedgerEnd, readSegments, segmentNames } from "./segment.ts";
import { type SegmentLine, segmentLines } from "./segment_lines.ts";
import type { Storage } from "./storage.ts";

/** One record with its place. */
export interface Placed {
  /** Its place in the ledger. */
  readonly offset: Offset;
  /** What it says. */
  readonly record: LedgerRecord;
}

/**
 * Every record that is kept of the ledger in `storage`, in order, beginning with the one at `from`; the first has another
 * offset than 0 where the past was removed. Throws LedgerDamage where one cannot be read.
 */
export function* readLedger(storage: Storage, from = 0): Generator<Placed, LedgerEnd | undefined> {
  const records = readSegments(storage, { from, proven: false });
  for (;;) {
    const { done, value } = records.next();
    if (done) return value;
    yield placed(value);
  }
}

/** As {@link readLedger}, newest first; closed segments that are not `wanted` are passed over. */
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
      // The last line of a file may be torn, also where another file goes on behind it.
      else if (line < lines.length - 1) throw damage(name, line, lines, decoded);
    }
  }
}

/** The records of one closed segment. */
export function* readSegmentRecords(storage: Storage, name: string): Generator<LedgerRecord> {
  for (const [line, { bytes }] of recordLines(storage, name).entries()) {
    const decoded = decodeRecord(bytes, segmentFirst(name)! + line, undefined);
    if (typeof decoded !== "string") yield decoded.record;
  }
}

/** Id of the ledger in `storage`, as its newest segment says; undefined where none does. */
export function ledgerId(storage: Storage): string | undefined {
  const name = segmentNames(storage).at(-1);
  if (name === undefined) return undefined;
  const line = segmentLines(storage, name).next().value;
  const header = line && decodeHeader(line.bytes);
  return typeof header === "object" ? header.ledger : undefined;
}

/** A function that finds the record at an offset, where it is kept; it keeps the segment that it looked into last. */
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

/** Lines of a segment without its header, a torn one at the end included. */
function recordLines(storage: Storage, name: string): SegmentLine[] {
  return [...segmentLines(storage, name)].slice(1);
}

function placed({ offset, record }: DecodedRecord): Placed {
  return { offset: offsetOf(offset), record };
}

/** `line`: from 0, the header left out. */
function damage(name: string, line: number, lines: readonly SegmentLine[], reason: string): LedgerDamage {
  return new LedgerDamage(name, line + 2, lines[line]!.at, reason);
}

/** What is wrong with a ledger, for people; empty when nothing is. */
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
