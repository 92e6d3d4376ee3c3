// Reads segments: checks every line, and tells a torn tail, which a crash leaves, from damage.

import { LedgerDamage } from "./damage.ts";
import { type SegmentLine, segmentLines } from "./segment_lines.ts";
import type { Place } from "./snapshot.ts";
import type { Storage } from "./storage.ts";
import {
  COMPRESSED,
  type DecodedRecord,
  decodeHeader,
  decodeRecord,
  genesisChain,
  newerVersion,
  NOT_WHOLE,
  segmentFirst,
  type SegmentHeader,
} from "./format.ts";

/** The bytes behind the last whole record: what a crash in the middle of a write leaves. */
export interface TornTail {
  /** Name of the segment. */
  readonly file: string;
  /** Length of the file without the tail; 0 when not even its header is whole. */
  readonly keep: number;
  /** Bytes that were cut off. */
  readonly lostBytes: number;
  /** Why, for people. */
  readonly reason: string;
}

/** How a ledger ends: what the next record needs. */
export interface LedgerEnd {
  /** Id of the ledger, 16 hex digits. */
  readonly ledger: string;
  /** Offset of the next record. */
  readonly next: number;
  /** Hash chain after the last record, 64 hex digits. */
  readonly chain: string;
  /** Name of the last segment; "" when a snapshot is all there is. */
  readonly segment: string;
  /** The tail that a crash left; undefined when the end is whole. */
  readonly torn: TornTail | undefined;
}

/** Names of the segments in `storage`, oldest first. One that was not yet removed after compression is still it. */
export function segmentNames(storage: Storage): string[] {
  const names = storage.names();
  return names.filter((name) =>
    segmentFirst(name) !== undefined &&
    !(name.endsWith(COMPRESSED) && names.includes(name.slice(0, -COMPRESSED.length)))
  );
}

/** How segments are read. */
export interface Reading {
  /** A snapshot's place, at which a segment begins: what is before it is not read. */
  readonly behind?: Place | undefined;
  /** Offset of the first record that is wanted. */
  readonly from?: number;
  /** Whether the hash chain is proven, and not only each record's CRC. */
  readonly proven: boolean;
}

/**
 * Yields records in order and returns how the ledger ends; undefined when it is empty. A torn tail is left out and
 * described; anything else wrong throws {@link LedgerDamage}. One segment is in memory at a time.
 */
export function* readSegments(
  storage: Storage,
  { behind, from = 0, proven }: Reading,
): Generator<DecodedRecord, LedgerEnd | undefined> {
  const all = segmentNames(storage).filter((name) => segmentFirst(name)! >= (behind?.next ?? 0));
  const names = all.filter((_, i) => (segmentFirst(all[i + 1] ?? "") ?? Infinity) > from);
  let end: LedgerEnd | undefined = behind && { ...behind, segment: "", torn: undefined };
  for (const [i, name] of names.entries()) {
    const last = i === names.length - 1;
    const next = yield* readSegment(storage, name, { before: end, last, from, proven });
    if (next === undefined) return end === undefined ? undefined : { ...end, torn: wholeFile(storage, name) };
    end = next;
  }
  return end;
}

interface SegmentReading {
  /** How the segments before it end; undefined when they were not read. */
  readonly before: LedgerEnd | undefined;
  readonly last: boolean;
  readonly from: number;
  readonly proven: boolean;
}

/** Yields the records of one segment; undefined when its header is torn. */
function* readSegment(
  storage: Storage,
  name: string,
  reading: SegmentReading,
): Generator<DecodedRecord, LedgerEnd | undefined> {
  const lines = segmentLines(storage, name);
  const header = readHeader(lines.next().value, name, reading);
  if (header === undefined) return undefined;
  const { ledger, first, chain } = header;
  const { from, proven } = reading;
  let end: LedgerEnd = { ledger, next: first, chain, segment: name, torn: undefined };
  let number = 1;
  for (const line of lines) {
    number++;
    if (end.next < from && line.ended && !proven) {
      end = { ...end, next: end.next + 1 };
      continue;
    }
    const decoded = line.ended
      ? decodeRecord(line.bytes, end.next, proven ? end.chain : undefined)
      : "the line has no end";
    if (typeof decoded === "string") {
      // A crash tears the end of a file, never its middle. Behind a torn tail a later segment may go on, after a write that
      // failed; its header proves that it does.
      const torn = line.last && (!line.ended || decoded === NOT_WHOLE);
      if (!torn) throw new LedgerDamage(name, number, line.at, decoded);
      const lostBytes = line.length + (line.ended ? 1 : 0);
      return { ...end, torn: { file: name, keep: line.at, lostBytes, reason: decoded } };
    }
    yield decoded;
    end = { ...end, next: decoded.offset + 1, chain: decoded.chain };
  }
  return end;
}

/** The header in the first line of a segment; undefined where it is torn. */
function readHeader(
  line: SegmentLine | undefined | void,
  name: string,
  { before, last }: SegmentReading,
): SegmentHeader | undefined {
  const whole = line !== undefined && line.ended;
  const header = whole ? decodeHeader(line.bytes) : "the segment header is not whole";
  const problem = typeof header === "string" ? header : misfit(header, name, before);
  if (problem === undefined) return header as SegmentHeader;
  // A header alone is written and synced before any record; only a segment without records can have a torn one.
  const continues = before !== undefined || segmentFirst(name) === 0;
  if (last && continues && !whole) return undefined;
  throw new LedgerDamage(name, 1, 0, problem, whole ? newerVersion(line.bytes) : undefined);
}

function wholeFile(storage: Storage, name: string): TornTail {
  return { file: name, keep: 0, lostBytes: storage.size(name), reason: "the segment header is not whole" };
}

/** What is wrong with a header at this place. */
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
    return `starts at offset ${header.first}; records from ${before.next} on are missing`;
  }
  return header.chain === before.chain ? undefined : "its hash chain does not continue the segment before";
}
