// Bodies of JSON as the same bodies in protobuf, whole or cut.

import { joinedChunks } from "../../src/byte_chunks.ts";
import { envelope, frame, framed, type Json } from "../../src/ingest/protobuf_encoder.ts";
import { PROTOBUF } from "../../src/ingest/protobuf_framing.ts";

/** A body of JSON as the same body in protobuf: lines of a watch, or one value. What is not JSON stays as it is. */
export function inProtobuf(text: string, stream: boolean): Uint8Array {
  if (!stream) return valueBytes(text);
  const lines = text.split("\n");
  const rest = lines.pop()!;
  return joinedChunks([...lines.filter((line) => line.trim() !== "").map(lineBytes), cutBytes(rest)]);
}

/** The content type of {@link inProtobuf}. */
export function contentType(stream: boolean): string {
  return stream ? `${PROTOBUF};stream=watch` : PROTOBUF;
}

function valueBytes(text: string): Uint8Array {
  const value = parsed(text);
  return isJson(value) ? envelope(value) : new TextEncoder().encode(text);
}

function lineBytes(line: string): Uint8Array {
  const value = parsed(line);
  if (isJson(value) && "type" in value) return frame(value["type"], value["object"]);
  // One object in place of a stream.
  if (isJson(value)) return "kind" in value ? envelope(value) : frame(undefined, undefined);
  const bytes = new TextEncoder().encode(line);
  return value === undefined ? bytes : framed(bytes);
}

/** The beginning of a line that was cut, as the beginning of a frame. */
function cutBytes(rest: string): Uint8Array {
  if (rest === "") return new Uint8Array(0);
  const value = parsed(rest);
  if (isJson(value)) return lineBytes(rest);
  const bytes = new TextEncoder().encode(rest);
  return rest.startsWith("{")
    ? framed(joinedChunks([Uint8Array.of(0x0a), bytes]), 2 * bytes.length + 1)
    : bytes;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
