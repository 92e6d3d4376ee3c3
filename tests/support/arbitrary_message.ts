// Arbitrary objects of the kinds that are read in protobuf, in the form that an API server gives them in JSON, and fields that
// the reader does not have.

import type { BinaryWriter } from "@bufbuild/protobuf/wire";
import { WireType } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { type Field, OBJECTS, type WireMessage } from "../../src/ingest/protobuf_fields.ts";
import { type Json, type Noise, tag } from "../../src/ingest/protobuf_encoder.ts";

const text = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 12 }),
  fc.string({ unit: "grapheme-ascii", minLength: 30, maxLength: 90 }),
  fc.constantFrom("TCP", "http", "10.96.0.1", "node-a"),
);
const notEmpty = text.filter((value) => value !== "");
const whole = fc.oneof(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), fc.constantFrom(80, 443));
const time = fc.integer({ min: -62_135_596_799, max: 253_402_300_799 })
  .map((seconds) => new Date(seconds * 1000).toISOString().replace(".000Z", "Z"));

/** The value of a field as JSON has it. */
function valueOf(field: Field): fc.Arbitrary<unknown> {
  switch (field.kind) {
    case "text":
      return field.keepsEmpty ? text : notEmpty;
    case "whole":
      return field.keepsEmpty ? whole : whole.filter((value) => value !== 0);
    case "flag":
      return fc.boolean();
    case "time":
      return time;
    case "message":
      return valuesOf(field.message);
    case "map": {
      const key = field.keys === undefined ? notEmpty : fc.constantFrom(...field.keys);
      return fc.uniqueArray(fc.tuple(key, text), { selector: ([key]) => key, maxLength: 3, minLength: 1 })
        .map((entries) => Object.fromEntries(entries));
    }
    case "texts":
      return fc.array(text, { minLength: 1, maxLength: 3 });
    case "messages":
    case "items":
      return fc.array(valuesOf(field.message), { minLength: 1, maxLength: 3 });
    case "bytes":
      return fc.constant(undefined);
  }
}

/** Some of the fields of `message`. */
function valuesOf(message: WireMessage): fc.Arbitrary<Json> {
  const fields = message.filter((field) => field !== undefined);
  const model = Object.fromEntries(fields.map((field) => [field.name, valueOf(field)]));
  return fc.record(model, { requiredKeys: [], noNullPrototype: true });
}

/** Objects and lists of every kind that is read, a Status among them. */
export const arbitraryObject: fc.Arbitrary<Json> = fc.oneof(
  ...[...OBJECTS].map(([kind, { apiVersion = "v1", message, isList }]) =>
    valuesOf(message).map((fields) => ({
      ...(kind === "" ? {} : { kind, apiVersion }),
      ...(isList ? { metadata: {}, items: [] } : {}),
      ...fields,
    }))
  ),
);

const strange = fc.record({
  number: fc.integer({ min: 200, max: 2 ** 29 - 1 }),
  wire: fc.constantFrom(WireType.Varint, WireType.Bit64, WireType.LengthDelimited, WireType.Bit32),
  bytes: fc.uint8Array({ maxLength: 20 }),
});

/** Fields of every type of the wire, as a newer server may send them, somewhere in the messages. */
export const arbitraryNoise: fc.Arbitrary<Noise> = fc.array(fc.option(strange), { maxLength: 12 }).map(
  (fields) => {
    let next = 0;
    return (writer: BinaryWriter) => {
      const field = fields.length === 0 ? null : fields[next++ % fields.length];
      if (field === null || field === undefined) return;
      writer.uint32(tag(field.number, field.wire) >>> 0);
      const numbers = [...field.bytes];
      if (field.wire === WireType.Varint) writer.int64(-BigInt(numbers[0] ?? 0));
      else if (field.wire === WireType.Bit64) writer.fixed64(BigInt(numbers[0] ?? 7));
      else if (field.wire === WireType.Bit32) writer.fixed32(numbers[0] ?? 7);
      else writer.bytes(field.bytes);
    };
  },
);
