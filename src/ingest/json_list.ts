// Divides one JSON object while its bytes arrive: into pieces of its list `items`, of a few objects each, and into its frame, which
// is all the rest. So no more than one object of a list is described in memory before it is decoded. Nothing is parsed here: what
// is cut into pieces at the wrong place, because it is not JSON, is refused when the pieces and the frame are parsed. Pure.

import { partsText } from "../json_parts.ts";
import { JSON_PARTS_MAX } from "../limits/input.ts";
import { RECORD_BYTES_MAX } from "../limits/ledger.ts";
import { GatheredBytes } from "./body.ts";

/** A piece has whole objects of at least this many bytes together; the last piece may have fewer. */
const PIECE_BYTES = 16 * 1024;
const ITEMS = new TextEncoder().encode("items");
const [QUOTE, ESCAPE, COLON, COMMA] = [0x22, 0x5c, 0x3a, 0x2c] as const;
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d] as const;
/** The greatest code of white space. */
const SPACE = 0x20;
/** Depth of what is directly in the object, and of what is directly in its items. */
const [FIELD, ITEM] = [1, 2] as const;

/** One object whose bytes arrive in chunks. */
export class JsonListPieces {
  readonly #frame = new GatheredBytes();
  readonly #piece = new GatheredBytes();
  #depth = 0;
  #inString = false;
  #escaped = false;
  /** How many bytes of the present text are those of `items`; -1 where it is another text. */
  #matched = -1;
  /** What was read of `"items": [`: its name, and its colon. */
  #before: "name" | "colon" | undefined;
  /** Whether the list is open, and whether there was one. */
  #inItems = false;
  #hadItems = false;
  /** Parts of the frame, and of the present piece. */
  #frameParts = 0;
  #pieceParts = 0;

  /** How many bytes are kept. */
  get held(): number {
    return this.#frame.length + this.#piece.length;
  }

  /** The object without its items, as far as it has arrived. */
  get frame(): Uint8Array {
    return this.#frame.bytes();
  }

  /**
   * Adds `chunk`. Each piece that it completes is passed to `take`, which must not keep it: objects with commas between them. What
   * is larger than any object of the API is refused: its description is returned, and nothing more may be added.
   */
  push(chunk: Uint8Array, take: (piece: Uint8Array) => void): string | undefined {
    let from = 0;
    for (let i = 0; i < chunk.length; i++) {
      const code = chunk[i]!;
      if (this.#inString) {
        i = this.#readText(chunk, i);
        continue;
      }
      if (code <= SPACE) continue;
      const wasIn = this.#inItems;
      const ends = this.#read(code, i - from);
      if (!ends && wasIn === this.#inItems) continue;
      // The bracket that opens the items belongs to the frame, as the one that closes them. A comma between pieces to neither.
      this.#keep(chunk.subarray(from, wasIn ? i : i + 1), wasIn);
      from = wasIn && !this.#inItems ? i : i + 1;
      if (this.#excess() !== undefined) break;
      if (wasIn) this.#hand(take);
    }
    this.#keep(chunk.subarray(from), this.#inItems);
    return this.#excess();
  }

  #keep(bytes: Uint8Array, isPiece: boolean): void {
    (isPiece ? this.#piece : this.#frame).push(bytes);
  }

  #hand(take: (piece: Uint8Array) => void): void {
    take(this.#piece.bytes());
    this.#piece.clear();
    this.#pieceParts = 0;
  }

  #excess(): string | undefined {
    if (Math.max(this.#frameParts, this.#pieceParts) > JSON_PARTS_MAX) return partsText(JSON_PARTS_MAX);
    return Math.max(this.#frame.length, this.#piece.length) > RECORD_BYTES_MAX
      ? `more than ${RECORD_BYTES_MAX} bytes`
      : undefined;
  }

  /** Reads a text from `at` on; returns where its last byte in `chunk` is. */
  #readText(chunk: Uint8Array, at: number): number {
    for (let i = at; i < chunk.length; i++) {
      const code = chunk[i]!;
      if (this.#escaped) this.#escaped = false;
      else if (code === ESCAPE) [this.#escaped, this.#matched] = [true, -1];
      else if (code === QUOTE) {
        this.#inString = false;
        if (this.#matched === ITEMS.length) this.#before = "name";
        return i;
      } else if (this.#matched >= 0) this.#matched = code === ITEMS[this.#matched] ? this.#matched + 1 : -1;
    }
    return chunk.length;
  }

  /** Takes one byte that is in no text, after `unkept` others of this chunk; returns whether it ends a piece. */
  #read(code: number, unkept: number): boolean {
    const before = this.#before;
    this.#before = undefined;
    switch (code) {
      case QUOTE:
        this.#inString = true;
        this.#matched = this.#depth === FIELD && !this.#hadItems ? 0 : -1;
        return false;
      case COLON:
        if (before === "name") this.#before = "colon";
        return false;
      case COMMA:
        this.#count();
        return this.#inItems && this.#depth === ITEM && this.#piece.length + unkept >= PIECE_BYTES;
      case OPEN_LIST:
      case OPEN_OBJECT:
        this.#count();
        this.#depth++;
        if (before === "colon" && code === OPEN_LIST) this.#inItems = this.#hadItems = true;
        return false;
      case CLOSE_LIST:
      case CLOSE_OBJECT:
        this.#depth--;
        if (this.#inItems && this.#depth < ITEM) this.#inItems = false;
        return false;
      default:
        return false;
    }
  }

  #count(): void {
    if (this.#inItems) this.#pieceParts++;
    else this.#frameParts++;
  }
}
