// Bytes of an answer -> values. One framing reads one body, chunk by chunk, and is bounded while it reads. Which one reads a
// body follows from its content type and from what was asked; what decides about the values never sees bytes.

import { ERROR_BYTES_MAX, LIST_PAGE_BYTES_MAX, RECORD_BYTES_MAX } from "../limits.ts";
import { ApiFailure, beginning, invalid } from "./api_failure.ts";

/** Reads one body. Both methods throw ApiFailure for bytes that make no sense. */
export interface Framing {
  /** The values that `chunk` completes. The chunk may be overwritten afterwards. */
  push(chunk: Uint8Array): readonly unknown[];
  /** The values that the end of the body completes. Throws where the body is cut. */
  end(): readonly unknown[];
}

/** The framing for a body of `contentType`: a stream of watch lines, or one value. */
export function framingFor(_contentType: string, stream: boolean): Framing {
  return stream ? new JsonLines() : new JsonValue(LIST_PAGE_BYTES_MAX);
}

/** JSON values, one a line. A line that is empty or white space is none. */
class JsonLines implements Framing {
  readonly #decoder = new TextDecoder();
  #rest = "";
  #lines = 0;

  push(chunk: Uint8Array): unknown[] {
    const lines = this.#decoder.decode(chunk, { stream: true }).split("\n");
    // A long line comes in many chunks: it is put together once, when it is whole.
    lines[0] = this.#rest + lines[0]!;
    this.#rest = lines.pop()!;
    if (this.#rest.length > RECORD_BYTES_MAX) throw invalid(`a line of more than ${RECORD_BYTES_MAX} bytes`);
    const values: unknown[] = [];
    for (const line of lines) if (line !== "" && line.trim() !== "") values.push(lineValue(line));
    this.#lines += values.length;
    return values;
  }

  /** Servers end the last line too: what is left is a line that was cut, or a body that has no lines. */
  end(): unknown[] {
    const rest = this.#rest.trim();
    if (rest === "") return [];
    try {
      return [JSON.parse(rest)];
    } catch {
      if (this.#lines === 0 && !rest.startsWith("{")) {
        throw invalid(`an answer that is not JSON: ${beginning(rest)}`);
      }
      throw new ApiFailure("cut", "the stream ended in the middle of a line");
    }
  }
}

/** A line that is not JSON: the lines of the same chunk before it still count. */
export class BadLine {
  constructor(readonly text: string) {}
}

function lineValue(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return new BadLine(`a line that is not JSON: ${beginning(line)}`);
  }
}

/** One JSON value of at most `limit` bytes. */
class JsonValue implements Framing {
  readonly #body: BoundedText;

  constructor(limit: number) {
    this.#body = new BoundedText(limit);
  }

  push(chunk: Uint8Array): unknown[] {
    this.#body.push(chunk);
    return [];
  }

  end(): unknown[] {
    const text = this.#body.text();
    if (text.trim() === "") throw invalid("an empty answer where a list was expected");
    try {
      return [JSON.parse(text)];
    } catch {
      throw invalid(`an answer that is not JSON: ${beginning(text)}`);
    }
  }
}

/** The text of an answer that is an error: complete at its end, or once it is as long as any that is kept. */
export class ErrorText implements Framing {
  readonly #body = new BoundedText(Infinity);
  #length = 0;

  push(chunk: Uint8Array): string[] {
    this.#body.push(chunk);
    this.#length += chunk.length;
    return this.#length < ERROR_BYTES_MAX ? [] : this.end();
  }

  end(): [string] {
    return [this.#body.text()];
  }
}

/** A body in memory. */
class BoundedText {
  readonly #limit: number;
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  push(chunk: Uint8Array): void {
    this.#length += chunk.length;
    if (this.#length > this.#limit) throw invalid(`an answer of more than ${this.#limit} bytes`);
    // The next chunk may overwrite this one.
    this.#parts.push(chunk.slice());
  }

  text(): string {
    const whole = new Uint8Array(this.#length);
    let at = 0;
    for (const part of this.#parts.splice(0)) {
      whole.set(part, at);
      at += part.length;
    }
    return new TextDecoder().decode(whole);
  }
}
