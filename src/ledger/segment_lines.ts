// The lines of a segment, read in pieces. What no ledger can hold, such as a line without an end or a file that decompresses
// to gigabytes, is rejected while it is read, before it fills the memory.

import { joinedChunks } from "../byte_chunks.ts";
import { LINE_BYTES_MAX, SEGMENT_BYTES_MAX, SEGMENT_PIECE_BYTES } from "../limits/ledger.ts";
import { readDecompressedPart } from "./compression.ts";
import { LedgerDamage } from "./damage.ts";
import { COMPRESSED } from "./format.ts";
import { ifThere, SegmentGone } from "./gone.ts";
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

/**
 * The lines of a segment, in order, from the one that begins at byte `from` on. The writer may compress the segment meanwhile. Throws {@link LedgerDamage} where it cannot be
 * decompressed or is too large, and at a line that is too long; SegmentGone where it is not there any more.
 */
export function* segmentLines(storage: Storage, name: string, from = 0): Generator<SegmentLine, void> {
  const size = name.endsWith(COMPRESSED) ? undefined : ifThere(() => storage.size(name));
  if (size === undefined) {
    const file = compressedName(name);
    const { bytes, problem } = readCompressed(storage, file);
    if (problem === undefined) return yield* linesOf([bytes.subarray(from)], bytes.length, name, from);
    // The whole lines before the problem can still be used.
    const whole = bytes.subarray(0, bytes.lastIndexOf(0x0a) + 1);
    yield* linesOf([whole.subarray(from)], Infinity, file, from);
    throw new LedgerDamage(file, 1, 0, `it cannot be decompressed: ${problem}`);
  }
  const lines = linesOf(pieces(storage, name, from, Math.min(size, SEGMENT_BYTES_MAX)), size, name, from);
  if (size <= SEGMENT_BYTES_MAX) return yield* lines;
  // The lines of a file that is too long can still be used, without the one that the bound cuts.
  for (const line of lines) if (line.ended) yield line;
  throw new LedgerDamage(name, 1, 0, `a segment of ${size} bytes, at most ${SEGMENT_BYTES_MAX}`);
}

function compressedName(name: string): string {
  return name.endsWith(COMPRESSED) ? name : `${name}${COMPRESSED}`;
}

function readCompressed(storage: Storage, file: string): ReturnType<typeof readDecompressedPart> {
  const read = ifThere(() => readDecompressedPart(storage, file, SEGMENT_BYTES_MAX));
  if (read === undefined) throw new SegmentGone(file);
  return read;
}

/** The bytes of an uncompressed segment up to `size`. Once it is compressed, the rest comes from its other file. */
function* pieces(storage: Storage, name: string, from: number, size: number): Generator<Uint8Array> {
  for (let at = from; at < size; at += SEGMENT_PIECE_BYTES) {
    const length = Math.min(SEGMENT_PIECE_BYTES, size - at);
    const piece = ifThere(() => storage.read(name, at, length));
    if (piece === undefined) {
      return yield readCompressed(storage, compressedName(name)).bytes.subarray(at, size);
    }
    yield piece;
  }
}

/** Cuts the bytes from `from` to `size`, which come in pieces, into lines. The bytes of a line that is too long are not kept. */
function* linesOf(
  pieces: Iterable<Uint8Array>,
  size: number,
  name: string,
  from: number,
): Generator<SegmentLine, void> {
  let parts: Uint8Array[] = [];
  let [number, at, length] = [1, from, 0];
  for (const piece of pieces) {
    for (let from = 0; from < piece.length;) {
      const newline = piece.indexOf(0x0a, from);
      const end = newline < 0 ? piece.length : newline;
      const part = piece.subarray(from, end);
      length += part.length;
      from = end + 1;
      if (length > LINE_BYTES_MAX) parts = [];
      else if (newline < 0 || parts.length > 0) parts.push(part);
      if (newline < 0) continue;
      if (length > LINE_BYTES_MAX) {
        throw new LedgerDamage(name, number, at, `a line of ${length} bytes, at most ${LINE_BYTES_MAX}`);
      }
      const bytes = parts.length === 0 ? part : joinedChunks(parts);
      yield { bytes, length, at, ended: true, last: at + length + 1 >= size };
      at += length + 1;
      if (parts.length > 0) parts = [];
      length = 0;
      number++;
    }
  }
  // The last line has no end. After a crash it may be long and contain only zeros.
  if (length > 0) yield { bytes: joinedChunks(parts), length, at, ended: false, last: true };
}
