// Writes objects in protobuf as an API server does: for a rehearsal, which reads answers that no server has sent. A field of Go that is
// no pointer is written even where it is empty, and a value that its type cannot hold is left out, because Go could not have it.

import { joinedChunks } from "../byte_chunks.ts";
import { isJsonObject } from "../kube/json_value.ts";
import { type Field, OBJECTS, type WireMessage } from "./protobuf_fields.ts";
import { BinaryWriter, WireType } from "./protobuf_message.ts";

/** A JSON object. */
export type Json = Readonly<Record<string, unknown>>;

/** Adds fields that the reader does not have to a message that is being written; called after each of its fields. */
export type Noise = (writer: BinaryWriter) => void;

const NONE: Noise = () => {};

/** `object` in its envelope. */
export function envelope(object: Json, noise = NONE): Uint8Array {
  return sealed(String(object["apiVersion"] ?? ""), String(object["kind"] ?? ""), bytesOf(object, noise));
}

/** The bytes `raw` in an envelope of this kind. `further` are fields after it. */
export function sealed(apiVersion: string, kind: string, raw: Uint8Array, further: Noise = NONE): Uint8Array {
  const unknown = new BinaryWriter();
  unknown.uint32(tag(1, WireType.LengthDelimited)).fork();
  unknown.uint32(tag(1, WireType.LengthDelimited)).string(apiVersion);
  unknown.uint32(tag(2, WireType.LengthDelimited)).string(kind);
  unknown.join();
  unknown.uint32(tag(2, WireType.LengthDelimited)).bytes(raw);
  unknown.uint32(tag(3, WireType.LengthDelimited)).string("");
  unknown.uint32(tag(4, WireType.LengthDelimited)).string("");
  further(unknown);
  return joinedChunks([new TextEncoder().encode("k8s\0"), unknown.finish()]);
}

/** A frame of a watch. */
export function frame(type: unknown, object: unknown, noise = NONE): Uint8Array {
  const event = new BinaryWriter();
  event.uint32(tag(1, WireType.LengthDelimited)).string(typeof type === "string" ? type : "");
  event.uint32(tag(2, WireType.LengthDelimited)).fork();
  if (isJsonObject(object)) event.uint32(tag(1, WireType.LengthDelimited)).bytes(envelope(object, noise));
  return framed(event.join().finish());
}

/** `bytes` behind their length, or behind another one. */
export function framed(bytes: Uint8Array, length = bytes.length): Uint8Array {
  const head = new Uint8Array(4);
  new DataView(head.buffer).setUint32(0, length);
  return joinedChunks([head, bytes]);
}

/** The message of an object of a kind that is read; no bytes for other kinds. */
function bytesOf(object: Json, noise = NONE): Uint8Array {
  const known = OBJECTS.get(String(object["kind"] ?? ""));
  const writer = new BinaryWriter();
  if (known === undefined) return writer.finish();
  // Go could not have a list whose items are not a list: what comes then is no list at all.
  if (known.isList && !Array.isArray(object["items"])) return writer.finish();
  write(writer, known.message, known.isList ? { metadata: {}, ...object } : object, noise);
  return writer.finish();
}

function write(writer: BinaryWriter, message: WireMessage, value: Json, noise: Noise): void {
  for (const field of message) {
    if (field !== undefined) writeField(writer, field, value[field.name], noise);
    noise(writer);
  }
}

function writeField(writer: BinaryWriter, field: Field, value: unknown, noise: Noise): void {
  const { number } = field;
  const begin = () => writer.uint32(tag(number, WireType.LengthDelimited));
  switch (field.kind) {
    case "text": {
      const absent = field.keepsEmpty ? undefined : "";
      const text = typeof value === "string" ? value : absent;
      if (text !== undefined) begin().string(text);
      return;
    }
    case "whole": {
      const absent = field.keepsEmpty ? undefined : 0;
      const whole = typeof value === "number" && Number.isInteger(value) ? value | 0 : absent;
      if (whole !== undefined) writer.uint32(tag(number, WireType.Varint)).int32(whole);
      return;
    }
    case "flag":
      if (typeof value === "boolean") writer.uint32(tag(number, WireType.Varint)).bool(value);
      return;
    case "time": {
      const seconds = typeof value === "string" ? Date.parse(value) / 1000 : NaN;
      begin().fork();
      if (Number.isInteger(seconds)) {
        writer.uint32(tag(1, WireType.Varint)).int64(seconds).uint32(tag(2, WireType.Varint)).int32(0);
      }
      return void writer.join();
    }
    case "message":
      if (!isJsonObject(value)) return;
      begin().fork();
      write(writer, field.message, value, noise);
      return void writer.join();
    case "map":
      for (const [key, text] of isJsonObject(value) ? Object.entries(value) : []) {
        if (typeof text !== "string") continue;
        begin().fork();
        writer.uint32(tag(1, WireType.LengthDelimited)).string(key);
        writer.uint32(tag(2, WireType.LengthDelimited)).string(text);
        writer.join();
      }
      return;
    case "texts":
      for (const text of elements(value)) if (typeof text === "string") begin().string(text);
      return;
    case "messages":
    case "items":
      for (const element of elements(value)) {
        if (!isJsonObject(element)) continue;
        begin().fork();
        write(writer, field.message, element, noise);
        writer.join();
      }
      return;
    case "bytes":
      throw new TypeError(`${field.name} is written by the envelope`);
  }
}

/** What stands before a field of a message. */
export function tag(number: number, wire: WireType): number {
  return number << 3 | wire;
}

function elements(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
