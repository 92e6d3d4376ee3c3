// Reads segments and checks each line. A torn tail is what a crash leaves at the end of a ledger; it is reported, and what
// is before it is used. Everything else that is wrong is damage.

import { LedgerDamage } from "./damage.ts";
import { ifThere } from "./gone.ts";
import type { LineIndex } from "./line_index.ts";
import { type SegmentLine, segmentLines } from "./segment_lines.ts";
import type { Place } from "./snapshot.ts";
import type { Storage } from "./storage.ts";
import { COMPRESSED, genesisChain, segmentFirst, segmentNames } from "./format.ts";
import { type DecodedRecord, decodeHeader, decodeRecord, newerVersion, NOT_WHOLE } from "./line_decoder.ts";
import type { SegmentHeader } from "./record_shape.ts";

/** The bytes after the last whole record, which a crash in the middle of a write leaves. */
export interface TornTail {
  /** Name of the segment. */
  readonly file: string;
  /** Length of the file without the tail; 0 when not even its header is whole. */
  readonly keep: number;
  /** How many bytes the tail has. */
  readonly lostBytes: number;
  /** Why, for people. */
  readonly reason: string;
}

/** The end of a ledger: all that is needed to append the next record. */
export interface LedgerEnd {
  /** Id of the ledger, 16 hex digits. */
  readonly ledger: string;
  /** Offset of the next record. */
  readonly next: number;
  /** Hash chain after the last record, 64 hex digits. */
  readonly chain: string;
  /** Name of the last segment; "" where no segment follows the snapshot. */
  readonly segment: string;
  /** The tail that a crash left; undefined when the end is whole. */
  readonly torn: TornTail | undefined;
}

/** How to read a ledger. */
export interface LedgerReading {
  /** Place of a snapshot. A segment begins there; those before it are not read. */
  readonly behind?: Place | undefined;
  /** Offset of the first record to yield. */
  readonly from?: number;
  /** Offset of the last record to yield: what is behind it may be damaged. */
  readonly through?: number;
  /** Whether to prove the hash chain too, and not only the CRC of each record. */
  readonly proven: boolean;
  /** Finds `from` in the newest segment, for readers that come again. */
  readonly index?: LineIndex | undefined;
  /** Leaves out what commits changed (line_decoder.ts). */
  readonly brief?: boolean;
}

/**
 * Yields the records in order and returns the end of the ledger; undefined when it is empty. A torn tail is not yielded: the
 * returned end describes it. Throws {@link LedgerDamage} for anything else that is wrong. One segment is in memory at a time.
 */
export function* readSegments(
  storage: Storage,
  { behind, from = 0, through = Infinity, proven, index, brief = false }: LedgerReading,
): Generator<DecodedRecord, LedgerEnd | undefined> {
  if (from > through) return undefined;
  const all = segmentNames(storage).filter((name) => segmentFirst(name)! >= (behind?.next ?? 0));
  const names = all.filter((name, i) =>
    (segmentFirst(all[i + 1] ?? "") ?? Infinity) > from && segmentFirst(name)! <= through
  );
  let end = behind && endAt(behind);
  for (const name of names) {
    const last = name === all.at(-1);
    const follows = end !== undefined || name !== all[0];
    const next = yield* readSegment(storage, name, {
      before: end,
      follows,
      last,
      from,
      through,
      proven,
      index,
      brief,
    });
    if (next === undefined) return end === undefined ? undefined : { ...end, torn: wholeFile(storage, name) };
    end = next;
  }
  const after = all[all.indexOf(names.at(-1) ?? "") + 1];
  if (end === undefined || after === undefined || end.next > through || names.length === 0) return end;
  throw missingBehind(end, after);
}

/** Its fields alone: the lines of a snapshot must not stay in memory. */
function endAt({ ledger, next, chain }: Place): LedgerEnd {
  return { ledger, next, chain, segment: "", torn: undefined };
}

interface SegmentReading {
  /** End of the segments before this one; undefined when they were not read. */
  readonly before: LedgerEnd | undefined;
  /** Whether there are segments before this one. */
  readonly follows: boolean;
  readonly last: boolean;
  readonly from: number;
  readonly through: number;
  readonly proven: boolean;
  readonly index: LineIndex | undefined;
  readonly brief: boolean;
}

/** Yields the records of one segment and returns its end; undefined when its header is torn. */
function* readSegment(
  storage: Storage,
  name: string,
  reading: SegmentReading,
): Generator<DecodedRecord, LedgerEnd | undefined> {
  const all = segmentLines(storage, name);
  const header = readHeader(all.next().value, name, reading);
  if (header === undefined) return undefined;
  const { ledger, first, chain } = header;
  const { from, through, proven, last, index } = reading;
  const begin = last && !proven && from > first ? index?.beginOf(storage, name, from - first) : undefined;
  const lines = begin === undefined ? all : segmentLines(storage, name, begin);
  const next = begin === undefined ? first : from;
  let end: LedgerEnd = { ledger, next, chain, segment: name, torn: undefined };
  let number = 1 + next - first;
  for (const line of lines) {
    number++;
    if (end.next < from && line.ended && !proven) {
      end = { ...end, next: end.next + 1 };
      continue;
    }
    const decoded = line.ended
      ? decodeRecord(line.bytes, end.next, proven ? end.chain : undefined, reading)
      : "the line has no end";
    if (typeof decoded === "string") {
      // A crash tears the end of a file, never its middle. A segment may follow a torn tail, because after a failed write the
      // records go to another file; the header of that segment proves that nothing is missing.
      // A segment is compressed only when it is whole.
      const torn = line.last && !name.endsWith(COMPRESSED) && (!line.ended || decoded === NOT_WHOLE);
      if (!torn) throw new LedgerDamage(name, number, line.at, decoded);
      const lostBytes = line.length + (line.ended ? 1 : 0);
      // The writer may be in the middle of this line.
      if (hasGrown(storage, name, line.at + lostBytes)) return end;
      return { ...end, torn: { file: name, keep: line.at, lostBytes, reason: decoded } };
    }
    yield decoded;
    end = { ...end, next: decoded.offset + 1, chain: decoded.chain };
    if (decoded.offset >= through) return end;
  }
  return end;
}

/** Whether the file has more than `size` bytes by now, or was closed and compressed. */
function hasGrown(storage: Storage, name: string, size: number): boolean {
  return !name.endsWith(COMPRESSED) && (ifThere(() => storage.size(name)) ?? Infinity) > size;
}

/** The header in the first line of a segment; undefined where a crash tore it. */
function readHeader(
  line: SegmentLine | undefined | void,
  name: string,
  { before, follows, last }: SegmentReading,
): SegmentHeader | undefined {
  const whole = line !== undefined && line.ended;
  const header = whole ? decodeHeader(line.bytes) : "the segment header is not whole";
  const problem = typeof header === "string" ? header : misfit(header, name, before);
  if (typeof header !== "string" && problem === undefined) return header;
  // The header is written and synced before the first record, so only a segment without records can have a torn header.
  // One that follows a ledger may come while the writer begins it.
  const continues = follows || segmentFirst(name) === 0;
  if (last && continues && !whole) return undefined;
  const isOurs = typeof header !== "string" && header.ledger === before?.ledger;
  if (isOurs && segmentFirst(name) === header.first && before.next < header.first) {
    throw missingBehind(before, name);
  }
  throw new LedgerDamage(name, 1, 0, problem!, whole ? newerVersion(line.bytes) : undefined);
}

function wholeFile(storage: Storage, name: string): TornTail {
  return {
    file: name,
    keep: 0,
    lostBytes: ifThere(() => storage.size(name)) ?? 0,
    reason: "the segment header is not whole",
  };
}

/** The damage where the records before segment `after` end too early, at `next`. */
function missingBehind({ next }: LedgerEnd, after: string): LedgerDamage {
  const reason = `starts at offset ${segmentFirst(after)}; records from ${next} on are missing`;
  return new LedgerDamage(after, 1, 0, reason, undefined, next);
}

/** Why a whole header cannot be at this place of the ledger; undefined when it can. */
function misfit(header: SegmentHeader, name: string, before: LedgerEnd | undefined): string | undefined {
  if (segmentFirst(name) !== header.first) return `its header says offset ${header.first}`;
  if (before === undefined) {
    if (header.first === 0 && header.chain !== genesisChain(header.ledger)) {
      return "its hash chain does not begin at the start";
    }
    return undefined;
  }
  if (header.ledger !== before.ledger) return `belongs to ledger ${header.ledger}, not ${before.ledger}`;
  if (header.first !== before.next) {
    return `starts at offset ${header.first}; it follows @${before.next - 1}`;
  }
  return header.chain === before.chain ? undefined : "its hash chain does not continue the segment before";
}
