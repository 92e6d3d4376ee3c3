// Where the lines of the newest segment begin. A question looks at that segment several times, and one that follows a ledger after each
// commit: without this, each look would read it from its beginning. What has been indexed does not change, except where a start cuts
// a torn tail: then a line does not decode as the record that is expected, and the caller reads the segment without the index.

import { LINE_BYTES_MAX, SEGMENT_BYTES_MAX, SEGMENT_PIECE_BYTES } from "../limits/ledger.ts";
import { COMPRESSED, segmentFirst } from "./format.ts";
import { ifThere } from "./gone.ts";
import { decodeRecord } from "./line_decoder.ts";
import type { SegmentLine } from "./segment_lines.ts";
import type { Storage } from "./storage.ts";

const NEWLINE = 0x0a;
/** So many bytes are read before a line, and so many after its beginning. */
const AROUND_BYTES = 64 * 1024;

/** See the head of this file. It is kept between the calls of one reader. */
export class LineIndex {
  #name = "";
  /** The byte at which each line begins that has an end; and, at last, where the next one will. */
  #begins: number[] = [0];

  /**
   * Reads what was written to segment `name` since the last call. Returns its lines with an end, the header included; undefined where
   * it is compressed, not there, or cannot be a segment.
   */
  linesOf(storage: Storage, name: string): IndexedLines | undefined {
    if (name.endsWith(COMPRESSED)) return undefined;
    const size = ifThere(() => storage.size(name));
    if (size === undefined || size > SEGMENT_BYTES_MAX) return undefined;
    if (name !== this.#name || size < this.#begins.at(-1)!) [this.#name, this.#begins] = [name, [0]];
    return this.#grow(storage, size) ? new IndexedLines(storage, name, this.#begins) : undefined;
  }

  /**
   * The byte at which the record after the first `count` ones of segment `name` begins; undefined where that is not known. The record
   * before it is looked at: what was cut and written again may have other lines.
   */
  beginOf(storage: Storage, name: string, count: number): number | undefined {
    const lines = this.linesOf(storage, name);
    const begin = lines?.begin(count + 1);
    if (begin === undefined) return undefined;
    const before = lines?.line(count);
    const found = before && decodeRecord(before.bytes, segmentFirst(name)! + count - 1, undefined);
    if (typeof found === "object") return begin;
    this.forget();
    return undefined;
  }

  /** Forgets what it has read: a line was not what it is expected to be. */
  forget(): void {
    [this.#name, this.#begins] = ["", [0]];
  }

  /** Adds the lines up to byte `size`. Returns false where the file is gone, or a line is too long. */
  #grow(storage: Storage, size: number): boolean {
    const begins = this.#begins;
    for (let at = begins.at(-1)!; at < size;) {
      const piece = ifThere(() => storage.read(this.#name, at, Math.min(SEGMENT_PIECE_BYTES, size - at)));
      if (piece === undefined) return false;
      if (piece.length === 0) break;
      for (let end = piece.indexOf(NEWLINE); end >= 0; end = piece.indexOf(NEWLINE, end + 1)) {
        begins.push(at + end + 1);
      }
      at += piece.length;
      if (at - begins.at(-1)! > LINE_BYTES_MAX) return false;
    }
    return true;
  }
}

/** The lines of a segment that have an end, each read when it is asked for. */
export class IndexedLines {
  readonly #begins: readonly number[];
  /** How many there are, the header included. */
  readonly length: number;
  /** The piece of the file that was read last, and where it begins. */
  #piece: Uint8Array = new Uint8Array();
  #from = 0;

  constructor(readonly storage: Storage, readonly name: string, begins: readonly number[]) {
    this.#begins = begins;
    this.length = begins.length - 1;
  }

  /** The byte at which line `i` begins; undefined where there is none. The line after the last one counts. */
  begin(i: number): number | undefined {
    return this.#begins[i];
  }

  /** Line `i`; undefined where there is none, or the file is gone. */
  line(i: number): SegmentLine | undefined {
    const [at, next] = [this.#begins[i], this.#begins[i + 1]];
    if (at === undefined || next === undefined || i >= this.length) return undefined;
    const isHeld = at >= this.#from && next <= this.#from + this.#piece.length;
    if (!isHeld && !this.#read(at, next)) return undefined;
    const bytes = this.#piece.subarray(at - this.#from, next - 1 - this.#from);
    return { bytes, length: bytes.length, at, ended: true, last: i === this.length - 1 };
  }

  /** Reads a piece around the bytes from `at` to `next`: lines are read one after another, forward or backward. */
  #read(at: number, next: number): boolean {
    const from = Math.max(0, at - AROUND_BYTES);
    const end = Math.max(next, Math.min(at + AROUND_BYTES, this.#begins[this.length]!));
    const piece = ifThere(() => this.storage.read(this.name, from, end - from));
    if (piece === undefined || piece.length < end - from) return false;
    [this.#piece, this.#from] = [piece, from];
    return true;
  }
}
