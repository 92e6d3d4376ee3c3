// Readers of a ledger. They take no lock, so a ledger can be read while it is written; a line that is still being written is
// left out. They check the CRC and the offset of each record. The hash chain is proven by `verify` alone, because hashing
// every record would make each search slower.

import { readDecompressedHead } from "./compression.ts";
import { isLedgerDamage, LedgerDamage } from "./damage.ts";
import { COMPRESSED, segmentFirst, segmentNames } from "./format.ts";
import { type DecodedRecord, decodeHeader, decodeRecord, newerVersion, NOT_WHOLE } from "./line_decoder.ts";
import { ifThere, isSegmentGone } from "./gone.ts";
import type { IndexedLines, LineIndex } from "./line_index.ts";
import type { LedgerRecord, Offset } from "./record.ts";
import type { SegmentHeader } from "./record_shape.ts";
import { type LedgerEnd, type LedgerReading, readSegments } from "./segment.ts";
import { type SegmentLine, segmentLines } from "./segment_lines.ts";
import type { Storage } from "./storage.ts";
import type { ApiWriter } from "./writers_file.ts";

/** A record and its place in the ledger. */
export interface Placed {
  /** Place of the record. */
  readonly offset: Offset;
  /** The record. */
  readonly record: LedgerRecord;
  /** Who wrote the object, where an audit log was imported and the record was looked up. */
  readonly writer?: ApiWriter;
}

/**
 * The records of the ledger in `storage`, in order, from offset `from` on. The first may have a higher offset where retention
 * removed older ones. Throws LedgerDamage at a record that cannot be read.
 */
export function* readLedger(storage: Storage, from = 0): Generator<Placed, LedgerEnd | undefined> {
  return yield* placedRecords(storage, { from });
}

/** As {@link readLedger}, for readers that come again, or that fold. */
export function* placedRecords(
  storage: Storage,
  reading: Omit<LedgerReading, "proven" | "behind">,
): Generator<Placed, LedgerEnd | undefined> {
  const records = readSegments(storage, { ...reading, proven: false });
  for (;;) {
    const { done, value } = records.next();
    if (done) return value;
    yield placed(value);
  }
}

/**
 * As {@link readLedger}, newest first, from offset `through` on. Skips the closed segments for which `wanted` returns false. Ends
 * where retention removes the rest meanwhile.
 */
export function* readBackward(
  storage: Storage,
  wanted: (segment: string, after: string) => boolean = () => true,
  index?: LineIndex,
  through = Infinity,
): Generator<Placed> {
  const names = segmentNames(storage);
  for (let i = names.length - 1; i >= 0; i--) {
    const name = names[i]!;
    const after = names[i + 1];
    if (segmentFirst(name)! > through) continue;
    try {
      if (after !== undefined && !wanted(name, after)) continue;
      if (after === undefined && index !== undefined) yield* newestBackward(storage, name, index, through);
      else yield* backward(name, segmentRecords(storage, name, segmentFirst(after ?? ""), through), through);
    } catch (error) {
      if (!isSegmentGone(error)) throw error;
      return;
    }
  }
}

/** The records of the closed segment `name`, in order; `after` follows it. Throws LedgerDamage where it is not whole. */
export function* closedRecords(storage: Storage, name: string, after: string): Generator<DecodedRecord> {
  const lines = segmentRecords(storage, name, segmentFirst(after));
  const count = segmentFirst(after)! - segmentFirst(name)!;
  for (const [i, { bytes }] of lines.slice(0, count).entries()) {
    const decoded = decodeRecord(bytes, segmentFirst(name)! + i, undefined);
    if (typeof decoded === "string") throw damage(name, i, lines, decoded);
    yield decoded;
  }
}

/** The records of the newest segment, newest first; those that are wanted are read, and no others. */
function* newestBackward(
  storage: Storage,
  name: string,
  index: LineIndex,
  through: number,
): Generator<Placed> {
  const lines = index.linesOf(storage, name);
  const header = lines?.line(0);
  const first = segmentFirst(name)!;
  const isWhole = header !== undefined && headerFault(header, first) === undefined;
  for (let i = isWhole ? Math.min(lines!.length - 1, through - first + 1) : 0; i > 0; i--) {
    const line = lines!.line(i);
    const decoded = line && decodeRecord(line.bytes, first + i - 1, undefined);
    if (typeof decoded === "object") yield placed(decoded);
    else {
      // A torn tail, damage, or another file by now.
      index.forget();
      const from = i === lines!.length - 1 ? through : first + i - 1;
      return yield* backward(name, segmentRecords(storage, name, undefined), from);
    }
  }
  if (!isWhole) yield* backward(name, segmentRecords(storage, name, undefined), through);
}

/** The records of `lines`, from the one at offset `through`, or the last, back to the first. */
function* backward(name: string, lines: readonly SegmentLine[], through: number): Generator<Placed> {
  const first = segmentFirst(name)!;
  for (let line = Math.min(lines.length - 1, through - first); line >= 0; line--) {
    const { bytes, ended } = lines[line]!;
    const decoded = decodeRecord(bytes, first + line, undefined);
    const isTail = line === lines.length - 1 && !name.endsWith(COMPRESSED) &&
      (!ended || decoded === NOT_WHOLE);
    if (typeof decoded !== "string") yield placed(decoded);
    else if (!isTail) throw damage(name, line, lines, decoded);
  }
}

/**
 * The lines of the records of one segment; `next` is the first offset of the segment after it. Throws LedgerDamage where there
 * are not as many as that, and the one at `through` is not among them. The last line may be torn, even where another segment
 * follows: after a failed write the next begins.
 */
function segmentRecords(
  storage: Storage,
  name: string,
  next: number | undefined,
  through = Infinity,
): readonly SegmentLine[] {
  const [header, ...lines] = [...segmentLines(storage, name)];
  const first = segmentFirst(name)!;
  const fault = headerFault(header, first);
  // The header is durable before the first record, so a segment whose header is torn has no records.
  if (fault !== undefined && next === undefined && !(header?.ended ?? false)) return [];
  if (fault !== undefined) throw new LedgerDamage(name, 1, 0, fault, header && newerVersion(header.bytes));
  const torn = lines.at(-1);
  const whole = torn === undefined ||
    typeof decodeRecord(torn.bytes, first + lines.length - 1, undefined) !== "string";
  const end = first + lines.length - (whole ? 0 : 1);
  if (next === undefined || next === end || through < end) return lines;
  throw endsEarly(name, lines, end, next);
}

function endsEarly(name: string, lines: readonly SegmentLine[], end: number, next: number): LedgerDamage {
  const reason = `its records end before @${end}, and the next segment begins at @${next}`;
  return new LedgerDamage(name, lines.length + 1, lines.at(-1)?.at ?? 0, reason);
}

/** Why `line` is not the header of the segment that begins at offset `first`; undefined where it is. */
function headerFault(line: SegmentLine | undefined, first: number): string | undefined {
  if (line === undefined || !line.ended) return "the segment header is not whole";
  const header = decodeHeader(line.bytes);
  if (typeof header === "string") return header;
  return header.first === first ? undefined : `its header says offset ${header.first}`;
}

/**
 * Id of the ledger in `storage`, from the newest header that is whole; undefined where none is. A crash can leave a segment that was
 * only begun: it does not say whose it is.
 */
export function ledgerId(storage: Storage): string | undefined {
  for (const name of segmentNames(storage).reverse()) {
    const header = segmentHeader(storage, name);
    if (header !== undefined) return header.ledger;
  }
  return undefined;
}

/** A block of zstd has at most 128 KiB (RFC 8878, 3.1.1.2.4). */
const HEAD_BYTES = 160 * 1024;

/** The header of segment `name`, of which only the beginning is read; undefined where it is not whole. */
export function segmentHeader(storage: Storage, name: string): SegmentHeader | undefined {
  const head = headOf(storage, name);
  const end = head?.indexOf(0x0a) ?? -1;
  const header = end < 0 ? "no line" : decodeHeader(head!.subarray(0, end));
  return typeof header === "object" && header.first === segmentFirst(name) ? header : undefined;
}

function headOf(storage: Storage, name: string): Uint8Array | undefined {
  const plain = name.endsWith(COMPRESSED) ? undefined : ifThere(() => storage.read(name, 0, HEAD_BYTES));
  if (plain !== undefined) return plain;
  const file = name.endsWith(COMPRESSED) ? name : `${name}${COMPRESSED}`;
  const head = ifThere(() => readDecompressedHead(storage, file, HEAD_BYTES));
  return typeof head === "string" ? undefined : head;
}

/** A function that finds the record at an offset, if the ledger has it. It keeps the last segment it read in memory. */
export function recordLookup(
  storage: Storage,
  index?: LineIndex,
): (offset: number) => LedgerRecord | undefined {
  const names = segmentNames(storage);
  const newest = newestLookup(storage, names.at(-1), index);
  let kept: { readonly name: string; readonly lines: readonly SegmentLine[] | undefined } | undefined;
  return (offset) => {
    const at = names.findLastIndex((name) => segmentFirst(name)! <= offset);
    const name = names[at];
    if (name === undefined) return undefined;
    const found = at === names.length - 1 ? newest(offset) : undefined;
    if (found !== undefined) return found;
    const next = segmentFirst(names[at + 1] ?? "");
    if (kept?.name !== name) kept = { name, lines: linesIfThere(storage, name, next, offset) };
    if (kept.lines === undefined) return undefined;
    const line = offset - segmentFirst(name)!;
    const bytes = kept.lines[line]?.bytes;
    const decoded = bytes && decodeRecord(bytes, offset, undefined);
    if (typeof decoded === "string" && (next !== undefined || line < kept.lines.length - 1)) {
      throw damage(name, line, kept.lines, decoded);
    }
    if (decoded === undefined && next !== undefined) throw endsEarly(name, kept.lines, offset, next);
    return typeof decoded === "object" ? decoded.record : undefined;
  };
}

/** Finds records of the newest segment `name`; returns undefined where the index does not: then the segment is read. */
function newestLookup(
  storage: Storage,
  name: string | undefined,
  index: LineIndex | undefined,
): (offset: number) => LedgerRecord | undefined {
  if (name === undefined || index === undefined) return () => undefined;
  let lines: IndexedLines | undefined;
  return (offset) => {
    const number = offset - segmentFirst(name)! + 1;
    // It may have grown since.
    const line = lines?.line(number) ?? (lines = index.linesOf(storage, name))?.line(number);
    const decoded = line && decodeRecord(line.bytes, offset, undefined);
    return typeof decoded === "object" ? decoded.record : undefined;
  };
}

/** The lines of the records of a segment; undefined where retention has removed it. */
function linesIfThere(
  storage: Storage,
  name: string,
  next: number | undefined,
  through: number,
): readonly SegmentLine[] | undefined {
  try {
    return segmentRecords(storage, name, next, through);
  } catch (error) {
    if (isSegmentGone(error)) return undefined;
    throw error;
  }
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
