// The body of an answer, whatever its encoding: what reads one, and what keeps its bytes until they are whole.

import { type ApiFailure, invalid } from "./api_failure.ts";

/** Reads one body. Both methods throw ApiFailure for bytes that are not what was asked for. */
export interface Framing {
  /** How many bytes of the body wait for the rest of their value. */
  readonly held: number;
  /** The values that `chunk` completes. The caller may overwrite the chunk afterwards. */
  push(chunk: Uint8Array): readonly unknown[];
  /** The values that the end of the body completes. Throws where the body is cut. */
  end(): readonly unknown[];
}

/** A line of a stream that cannot be read. It is a value, not an exception, so that the lines before it are still used. */
export class BadLine {
  constructor(readonly failure: ApiFailure) {}
}

/** A part of a page: the page with some of its objects. */
export class PagePart {
  /** `read` makes the objects. So those of many parts are not in memory together. It throws ApiFailure. */
  constructor(readonly read: () => unknown) {}
}

const FIRST_BYTES = 4096;
/** A larger buffer is not kept for the next bytes. */
const KEPT_BYTES_MAX = 1024 * 1024;

/** Bytes that arrive in chunks, at most `limit` of them. A caller that gives none bounds all answers together. */
export class GatheredBytes {
  readonly #limit: number;
  #buffer = new Uint8Array(0);
  #length = 0;

  constructor(limit = Infinity) {
    this.#limit = limit;
  }

  get length(): number {
    return this.#length;
  }

  /** Adds a copy of `chunk`: the next chunk may overwrite it. */
  push(chunk: Uint8Array): void {
    const length = this.#length + chunk.length;
    if (length > this.#limit) throw invalid(`an answer of more than ${this.#limit} bytes`);
    if (length > this.#buffer.length) {
      // Twice the length, so that all copies together are no longer than the bytes.
      const larger = new Uint8Array(Math.max(FIRST_BYTES, 2 * this.#buffer.length, length));
      larger.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = larger;
    }
    this.#buffer.set(chunk, this.#length);
    this.#length = length;
  }

  /** All bytes. They are overwritten after {@link clear}. */
  bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  /** Forgets the bytes. */
  clear(): void {
    this.#length = 0;
    if (this.#buffer.length > KEPT_BYTES_MAX) this.#buffer = new Uint8Array(0);
  }
}
