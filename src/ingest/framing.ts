// Turns the bytes of an answer into values. A framing reads one body, chunk by chunk, and checks limits while it reads. The
// content type and the request decide which framing reads a body. The code that checks the values never sees bytes.

import { joinedChunks } from "../byte_chunks.ts";
import { ERROR_BYTES_MAX, RECORD_BYTES_MAX } from "../limits.ts";
import { ApiFailure, beginning, invalid } from "./api_failure.ts";

/** Reads one body. Both methods throw ApiFailure for bytes that are not what was asked for. */
export interface Framing {
  /** How many bytes of the body wait for the rest of their value. */
  readonly held: number;
  /** The values that `chunk` completes. The caller may overwrite the chunk afterwards. */
  push(chunk: Uint8Array): readonly unknown[];
  /** The values that the end of the body completes. Throws where the body is cut. */
  end(): readonly unknown[];
}

/** The framing for a body: a `stream` of watch lines, or one value. Every content type is read as JSON so far. */
export function framingFor(_contentType: string, stream: boolean): Framing {
  return stream ? new JsonLines() : new JsonValue();
}

/** JSON values, one per line. Empty lines are skipped. */
class JsonLines implements Framing {
  readonly #decoder = new TextDecoder();
  #rest = "";
  #lines = 0;

  get held(): number {
    return this.#rest.length;
  }

  push(chunk: Uint8Array): unknown[] {
    const lines = this.#decoder.decode(chunk, { stream: true }).split("\n");
    // A long line comes in many chunks. Adding to a string does not copy it in V8, so this is not quadratic.
    lines[0] = this.#rest + lines[0]!;
    this.#rest = lines.pop()!;
    if (this.#rest.length > RECORD_BYTES_MAX) throw invalid(`a line of more than ${RECORD_BYTES_MAX} bytes`);
    const values: unknown[] = [];
    for (const line of lines) if (line !== "" && line.trim() !== "") values.push(lineValue(line));
    this.#lines += values.length;
    return values;
  }

  /** A server ends its last line as well. So a rest is a line that was cut, or the body was not lines of JSON at all. */
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

/** A line that is not JSON. It is a value, not an exception, so that the lines before it in the chunk are still used. */
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

/** One JSON value. Its caller bounds it, by what all answers hold together. */
class JsonValue implements Framing {
  readonly #body = new Body();

  get held(): number {
    return this.#body.length;
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

/** The text of an error answer. It is complete at the end of the body, or once it has ERROR_BYTES_MAX bytes. */
export class ErrorText implements Framing {
  readonly #body = new Body();

  get held(): number {
    return this.#body.length;
  }

  push(chunk: Uint8Array): string[] {
    this.#body.push(chunk);
    return this.held < ERROR_BYTES_MAX ? [] : this.end();
  }

  end(): [string] {
    return [this.#body.text()];
  }
}

/** A body in memory. */
class Body {
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(chunk: Uint8Array): void {
    this.#length += chunk.length;
    // The next chunk may overwrite this one.
    this.#parts.push(chunk.slice());
  }

  text(): string {
    return new TextDecoder().decode(joinedChunks(this.#parts.splice(0)));
  }
}
