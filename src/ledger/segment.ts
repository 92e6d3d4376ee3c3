// Reads segments: checks every line, and tells a torn tail, which a crash leaves, from damage.

import { zstdDecompressSync } from "node:zlib";
import type { Place } from "./snapshot.ts";
import type { Storage } from "./storage.ts";
import {
  COMPRESSED,
  type DecodedRecord,
  decodeHeader,
  decodeRecord,
  genesisChain,
  NOT_WHOLE,
  segmentFirst,
  type SegmentHeader,
} from "./format.ts";

/** Where a ledger is damaged. Thrown by readers; what is before it can be used. */
export class LedgerDamage extends Error {
  override readonly name = "LedgerDamage";

  constructor(
    readonly file: string,
    /** From 1. */
    readonly line: number,
    /** Byte of the file at which the line begins. */
    readonly byte: number,
    readonly reason: string,
  ) {
    super(`${file}:${line} (byte ${byte}): ${reason}`);
  }
}

/** Whether `error` says that a ledger is damaged. */
export function isLedgerDamage(error: unknown): error is LedgerDamage {
  return error instanceof LedgerDamage;
}

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

/** The lines of a segment. Throws {@link LedgerDamage} where it cannot be decompressed. */
export function segmentBytes(storage: Storage, name: string): Uint8Array {
  const bytes = storage.read(name);
  if (!name.endsWith(COMPRESSED)) return bytes;
  try {
    return zstdDecompressSync(bytes);
  } catch (error) {
    throw new LedgerDamage(name, 1, 0, `it cannot be decompressed: ${(error as Error).message}`);
  }
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
  { before, last, from, proven }: SegmentReading,
): Generator<DecodedRecord, LedgerEnd | undefined> {
  const bytes = segmentBytes(storage, name);
  const headerEnd = bytes.indexOf(0x0a);
  const header = headerEnd < 0
    ? "the segment header is not whole"
    : decodeHeader(bytes.subarray(0, headerEnd));
  const problem = typeof header === "string" ? header : misfit(header, name, before);
  if (problem !== undefined) {
    // A header alone is written and synced before any record; only a segment without records can have a torn one.
    const continues = before !== undefined || segmentFirst(name) === 0;
    if (last && continues && headerEnd < 0) return undefined;
    throw new LedgerDamage(name, 1, 0, problem);
  }
  const { ledger, first, chain } = header as SegmentHeader;
  let end: LedgerEnd = { ledger, next: first, chain, segment: name, torn: undefined };
  let line = 2;
  for (let at = headerEnd + 1; at < bytes.length; line++) {
    const newline = bytes.indexOf(0x0a, at);
    if (end.next < from && newline >= 0 && !proven) {
      end = { ...end, next: end.next + 1 };
      at = newline + 1;
      continue;
    }
    const decoded = newline < 0
      ? "the line has no end"
      : decodeRecord(bytes.subarray(at, newline), end.next, proven ? end.chain : undefined);
    if (typeof decoded === "string") {
      // Behind a torn tail a later segment may go on, after a write that failed; its header proves that it does.
      const torn = isTail(bytes, newline) && (newline < 0 || decoded === NOT_WHOLE);
      if (!torn) throw new LedgerDamage(name, line, at, decoded);
      return { ...end, torn: { file: name, keep: at, lostBytes: bytes.length - at, reason: decoded } };
    }
    yield decoded;
    end = { ...end, next: decoded.offset + 1, chain: decoded.chain };
    at = newline + 1;
  }
  return end;
}

/** Whether nothing that could be a record follows: a crash tears the end of a file, never its middle. */
function isTail(bytes: Uint8Array, newline: number): boolean {
  return newline < 0 || newline === bytes.length - 1;
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
