// The lines of a segment, read in pieces. What no ledger can hold, such as a line without an end or a file that decompresses
// to gigabytes, is rejected while it is read, before it fills the memory.

import { joinedChunks } from "../byte_chunks.ts";
import { LINE_BYTES_MAX, SEGMENT_BYTES_MAX, SEGMENT_PIECE_BYTES } from "../limits.ts";
import { readDecompressed, readDecompressedPart } from "./compression.ts";
import { LedgerDamage } from "./damage.ts";
import { COMPRESSED } from "./format.ts";
import type { Storage } from "./storage.ts";

/** One line of a segment, the header included. */
export interface SegmentLine {
  /** The line without its "\n"; empty where the line is too long for a record and has no end. */
  readonly bytes: Uint8Array;
  /** Length of the line in bytes, without its "\n". */
  readonly length: number;
  /** Byte of the segment at which the line begins. */
  readonly at: number;
  /** Whether the line ends with "\n". */
  readonly ended: boolean;
  /** Whether it is the last line of the segment. */
  readonly last: boolean;
}

/** The bytes of a segment. Throws {@link LedgerDamage} where it cannot be decompressed or is too large. */
export function segmentBytes(storage: Storage, name: string): Uint8Array {
  if (!name.endsWith(COMPRESSED)) return joinedChunks([...pieces(storage, name, boundedSize(storage, name))]);
  const bytes = readDecompressed(storage, name, SEGMENT_BYTES_MAX);
  if (typeof bytes !== "string") return bytes;
  throw new LedgerDamage(name, 1, 0, `it cannot be decompressed: ${bytes}`);
}

/** The lines of a segment, in order. Throws {@link LedgerDamage} as {@link segmentBytes}, and at a line that is too long. */
export function* segmentLines(storage: Storage, name: string): Generator<SegmentLine, void> {
  if (name.endsWith(COMPRESSED)) {
    const { bytes, problem } = readDecompressedPart(storage, name, SEGMENT_BYTES_MAX);
    if (problem === undefined) return yield* linesOf([bytes], bytes.length, name);
    // The whole lines before the problem can still be used.
    const whole = bytes.subarray(0, bytes.lastIndexOf(0x0a) + 1);
    yield* linesOf([whole], Infinity, name);
    throw new LedgerDamage(name, 1, 0, `it cannot be decompressed: ${problem}`);
  }
  const size = storage.size(name);
  const lines = linesOf(pieces(storage, name, Math.min(size, SEGMENT_BYTES_MAX)), size, name);
  if (size <= SEGMENT_BYTES_MAX) return yield* lines;
  // The lines of a file that is too long can still be used, without the one that the bound cuts.
  for (const line of lines) if (line.ended) yield line;
  boundedSize(storage, name);
}

function boundedSize(storage: Storage, name: string): number {
  const size = storage.size(name);
  if (size <= SEGMENT_BYTES_MAX) return size;
  throw new LedgerDamage(name, 1, 0, `a segment of ${size} bytes, at most ${SEGMENT_BYTES_MAX}`);
}

function* pieces(storage: Storage, name: string, size: number): Generator<Uint8Array> {
  for (let at = 0; at < size; at += SEGMENT_PIECE_BYTES) {
    yield storage.read(name, at, Math.min(SEGMENT_PIECE_BYTES, size - at));
  }
}

/** Cuts `size` bytes that come in pieces into lines. The bytes of a line that is too long are counted and not kept. */
function* linesOf(
  pieces: Iterable<Uint8Array>,
  size: number,
  name: string,
): Generator<SegmentLine, void> {
  let parts: Uint8Array[] = [];
  let [number, at, length] = [1, 0, 0];
  for (const piece of pieces) {
    for (let from = 0; from < piece.length;) {
      const newline = piece.indexOf(0x0a, from);
      const end = newline < 0 ? piece.length : newline;
      parts.push(piece.subarray(from, end));
      length += end - from;
      from = end + 1;
      if (length > LINE_BYTES_MAX) parts = [];
      if (newline < 0) continue;
      if (length > LINE_BYTES_MAX) {
        throw new LedgerDamage(name, number, at, `a line of ${length} bytes, at most ${LINE_BYTES_MAX}`);
      }
      yield { bytes: joinedChunks(parts), length, at, ended: true, last: at + length + 1 >= size };
      at += length + 1;
      [parts, length] = [[], 0];
      number++;
    }
  }
  // The last line has no end. After a crash it may be long and contain only zeros.
  if (length > 0) yield { bytes: joinedChunks(parts), length, at, ended: false, last: true };
}
