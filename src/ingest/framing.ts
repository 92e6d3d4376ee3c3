// Turns the bytes of an answer into values. A framing reads one body, chunk by chunk, and checks limits while it reads. The
// content type and the request decide which framing reads a body. The code that checks the values never sees bytes.

import { partsExcess } from "../json_parts.ts";
import { ERROR_BYTES_MAX } from "../limits/input.ts";
import { RECORD_BYTES_MAX } from "../limits/ledger.ts";
import { ApiFailure, beginning, invalid } from "./api_failure.ts";
import { BadLine, type Framing, GatheredBytes } from "./body.ts";
import { JsonPage } from "./json_page.ts";
import { JsonPieces } from "./json_pieces.ts";
import { PROTOBUF, ProtobufError, ProtobufStream } from "./protobuf_framing.ts";
import { ProtobufPage } from "./protobuf_list.ts";

/** The framing for a body: a `stream` of events of a watch, or one value, of which a list may come in parts. What is not protobuf is read as JSON. */
export function framingFor(contentType: string, stream: boolean): Framing {
  if (isProtobuf(contentType)) return stream ? new ProtobufStream() : new ProtobufPage();
  return stream ? new JsonLines() : new JsonPage();
}

/** The framing for an error answer. Its value is an object, or a text that may be JSON. */
export function errorFraming(contentType: string): Framing {
  return isProtobuf(contentType) ? new ProtobufError() : new ErrorText();
}

function isProtobuf(contentType: string): boolean {
  return contentType.split(";", 1)[0]!.trim().toLowerCase() === PROTOBUF;
}

/**
 * JSON values, one per line as API servers write them. Objects that are otherwise arranged are read too, but more slowly. Empty
 * lines are skipped.
 */
class JsonLines implements Framing {
  readonly #decoder = new TextDecoder();
  readonly #pieces = new JsonPieces();
  #rest = "";
  #lines = 0;

  get held(): number {
    return this.#rest.length + this.#pieces.held;
  }

  push(chunk: Uint8Array): unknown[] {
    const lines = this.#decoder.decode(chunk, { stream: true }).split("\n");
    // A long line comes in many chunks. Adding to a string does not copy it in V8, so this is not quadratic.
    lines[0] = this.#rest + lines[0]!;
    this.#rest = lines.pop()!;
    const values: unknown[] = [];
    for (const line of lines) if (line !== "" && line.trim() !== "") this.#take(line, values);
    if (this.held > RECORD_BYTES_MAX) throw invalid(`a line of more than ${RECORD_BYTES_MAX} bytes`);
    this.#lines += values.length;
    return values;
  }

  /** A server ends its last line as well. So a rest is a line that was cut, or the body was not lines of JSON at all. */
  end(): unknown[] {
    const rest = this.#rest.trim();
    if (rest === "" && this.#pieces.held === 0) return [];
    const values: unknown[] = [];
    if (rest !== "") this.#take(rest, values);
    const isCut = this.#pieces.held > 0;
    if (!isCut && !(values.at(-1) instanceof BadLine)) return values;
    if (!isCut && this.#lines === 0 && !rest.startsWith("{")) {
      throw invalid(`an answer that is not JSON: ${beginning(rest)}`);
    }
    throw new ApiFailure("cut", "the stream ended in the middle of a line");
  }

  /** Adds the values that `line` completes. */
  #take(line: string, values: unknown[]): void {
    const excess = partsExcess(line);
    if (excess !== undefined) {
      this.#pieces.forget();
      values.push(tooLarge(excess));
      return;
    }
    const value = parsedOr(line, NO_VALUE);
    // Where an object goes on, a part of it may be a value by itself, but an event is none of its parts.
    const isEvent = typeof value === "object" && value !== null && "type" in value && "object" in value;
    if (value !== NO_VALUE && (this.#pieces.held === 0 || isEvent)) {
      if (this.#pieces.forget()) values.push(notJson("an object that does not end"));
      values.push(value);
      return;
    }
    const whole = this.#pieces.push(`${line}\n`);
    if (whole === undefined) values.push(notJson(line));
    else for (const text of whole) values.push(parsedPiece(text));
  }
}

const NO_VALUE = Symbol();

function parsedOr(text: string, otherwise: unknown): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return otherwise;
  }
}

/** The object whose `text` came on several lines, or the reason why there is none. */
function parsedPiece(text: string): unknown {
  const excess = partsExcess(text);
  return excess === undefined ? parsedOr(text, notJson(text)) : tooLarge(excess);
}

/** A line, or an object, that would fill the memory. */
function tooLarge(excess: string): BadLine {
  return new BadLine(invalid(`a line of ${excess}`));
}

function notJson(line: string): BadLine {
  return new BadLine(invalid(`a line that is not JSON: ${beginning(line)}`));
}

/** The text of an error answer. It is complete at the end of the body, or once it has ERROR_BYTES_MAX bytes. */
class ErrorText implements Framing {
  readonly #body = new GatheredBytes();

  get held(): number {
    return this.#body.length;
  }

  push(chunk: Uint8Array): string[] {
    this.#body.push(chunk);
    return this.held < ERROR_BYTES_MAX ? [] : this.end();
  }

  end(): [string] {
    const text = new TextDecoder().decode(this.#body.bytes());
    // The mark of a cut: what is before it may be a part of a credential.
    return [this.held < ERROR_BYTES_MAX ? text : `${text}...`];
  }
}
