// The lines of a snapshot, as text. All of them are parsed in pieces. Before that, single ones can be found: they are in order.

import { assert } from "../invariant.ts";
import { parsedJson } from "../json_parts.ts";
import { messageOf } from "../thrown.ts";

const PIECE_BYTES = 512 * 1024;
const NEWLINE = 0x0a;
const NO_BYTES = new Uint8Array();

/** A byte order mark at the beginning of a line is no JSON. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Returns what is wrong with a line of a snapshot; undefined when nothing is. `number` counts the lines between the first and
 * the last from 0.
 */
export type LineCheck = (line: unknown, number: number) => string | undefined;

/** The lines between the first and the last. */
export class SnapshotText<Line> {
  #bytes: Uint8Array;
  readonly #check: LineCheck;
  readonly #lines: Line[] = [];
  #from = 0;
  #misfit: string | undefined;

  /** `bytes`: the lines, each with its end. `check` is asked about each. */
  constructor(bytes: Uint8Array, check: LineCheck) {
    assert(bytes.length === 0 || bytes.at(-1) === NEWLINE, "the lines of a snapshot have ends");
    this.#bytes = bytes;
    this.#check = check;
  }

  /** The lines that are parsed so far. */
  get lines(): readonly Line[] {
    return this.#lines;
  }

  /** Whether {@link parsePiece} has parsed all lines. */
  get isParsed(): boolean {
    return this.#from >= this.#bytes.length;
  }

  /** What is wrong with the lines that were parsed; undefined while nothing is. */
  get misfit(): string | undefined {
    return this.#misfit;
  }

  /**
   * Parses the next lines, which takes a few milliseconds. Why in pieces? The text of all lines would be in memory beside them, and have
   * the collector run once more.
   */
  parsePiece(): void {
    const end = this.#bytes.indexOf(NEWLINE, this.#from + PIECE_BYTES);
    const to = end < 0 ? this.#bytes.length - 1 : end;
    try {
      for (const line of parsedLines<Line>(decoder.decode(this.#bytes.subarray(this.#from, to)))) {
        const misfit = this.#check(line, this.#lines.length);
        if (misfit !== undefined) {
          this.#misfit ??= `not a snapshot: line ${this.#lines.length + 2}: ${misfit}`;
        }
        this.#lines.push(line);
      }
    } catch (error) {
      this.#misfit ??= `not whole: ${messageOf(error)}`;
    }
    this.#from = to + 1;
    if (this.#from < this.#bytes.length) return;
    // They are as large as the lines, and no longer needed.
    this.#bytes = NO_BYTES;
    this.#from = 0;
  }

  /**
   * The line for which `compare` returns 0, where the lines are in that order: it returns a negative number for those before it, and a
   * positive one for those behind it. Undefined where there is none, where a line that was compared is wrong, and once all are parsed.
   */
  find(compare: (line: Line) => number): Line | undefined {
    let [low, high] = [0, this.#bytes.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const from = middle === low ? low : Math.max(low, this.#bytes.lastIndexOf(NEWLINE, middle - 1) + 1);
      const end = this.#bytes.indexOf(NEWLINE, middle);
      const line = this.#lineAt(from, end);
      if (line === undefined) return undefined;
      const order = compare(line);
      if (order === 0) return line;
      if (order < 0) low = end + 1;
      else high = from;
    }
    return undefined;
  }

  /** The line between two places; undefined where it is wrong. */
  #lineAt(from: number, end: number): Line | undefined {
    try {
      const line: Line = parsedJson(decoder.decode(this.#bytes.subarray(from, end)));
      return this.#check(line, from === 0 ? 0 : 1) === undefined ? line : undefined;
    } catch {
      return undefined;
    }
  }
}

/**
 * The values of lines of JSON. Why not one by one? V8 allocates what it parses from a text of more than 100 KB among old
 * objects. All of a snapshot stays, and copying it from among the young ones would take as long as parsing it.
 */
function parsedLines<Line>(lines: string): Line[] {
  return parsedJson(`[${lines.replaceAll("\n", ",")}]`);
}
