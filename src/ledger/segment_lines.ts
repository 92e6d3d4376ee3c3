// The lines of a segment, read in pieces: what no ledger can hold, a line without an end or a file that decompresses to
// gigabytes, is refused as it is read, not once it is in memory.

import { RECORD_BYTES_MAX, SEGMENT_BYTES_MAX, SEGMENT_PIECE_BYTES, UTF8_BYTES_MAX } from "../limits.ts";
import { concatenated } from "./byte_chunks.ts";
import { readDecompressed } from "./compression.ts";
import { LedgerDamage } from "./damage.ts";
import { COMPRESSED } from "./format.ts";
import type { Storage } from "./storage.ts";

/** Records are bounded in code units. */
const LINE_BYTES_MAX = RECORD_BYTES_MAX * UTF8_BYTES_MAX;

/** One line of a segment, the header included. */
export interface SegmentLine {
  /** Without its "\n"; empty where the line is longer than any record, and has no end. */
  readonly bytes: Uint8Array;
  /** How many there are. */
  readonly length: number;
  /** Byte of the segment at which it begins. */
  readonly at: number;
  /** Whether it has its "\n". */
  readonly ended: boolean;
  /** Whether nothing follows. */
  readonly last: boolean;
}

/** The bytes of a segment. Throws {@link LedgerDamage} where it cannot be decompressed, or is larger than any may be. */
export function segmentBytes(storage: Storage, name: string): Uint8Array {
  if (!name.endsWith(COMPRESSED)) return concatenated([...pieces(storage, name, boundedSize(storage, name))]);
  const bytes = readDecompressed(storage, name, SEGMENT_BYTES_MAX);
  if (typeof bytes !== "string") return bytes;
  throw new LedgerDamage(name, 1, 0, `it cannot be decompressed: ${bytes}`);
}

/** The lines of a segment, in order. Throws {@link LedgerDamage} as {@link segmentBytes} does, and at a line too long. */
export function* segmentLines(storage: Storage, name: string): Generator<SegmentLine, void> {
  if (name.endsWith(COMPRESSED)) {
    const bytes = segmentBytes(storage, name);
    return yield* linesOf([bytes], bytes.length, name);
  }
  const size = boundedSize(storage, name);
  yield* linesOf(pieces(storage, name, size), size, name);
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

/** The lines of `size` bytes that come in pieces. Of a line that is too long no more is kept than shows that it is. */
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
      yield { bytes: concatenated(parts), length, at, ended: true, last: at + length + 1 >= size };
      at += length + 1;
      [parts, length] = [[], 0];
      number++;
    }
  }
  // What a crash leaves may be long, and nothing but zeros.
  if (length > 0) yield { bytes: concatenated(parts), length, at, ended: false, last: true };
}
