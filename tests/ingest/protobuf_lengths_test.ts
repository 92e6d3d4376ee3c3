// Which fields of a message are whole, however much of it has arrived.

import assert from "node:assert/strict";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { wholeFields } from "../../src/ingest/protobuf_lengths.ts";
import { tag } from "../../src/ingest/protobuf_encoder.ts";

const field = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map((bytes) => (writer: BinaryWriter) =>
    writer.uint32(tag(7, WireType.LengthDelimited)).bytes(bytes)
  ),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((value) => (writer: BinaryWriter) =>
    writer.uint32(tag(400, WireType.Varint)).uint64(value)
  ),
  fc.constant((writer: BinaryWriter) => writer.uint32(tag(1, WireType.Bit32)).fixed32(5)),
  fc.constant((writer: BinaryWriter) => writer.uint32(tag(1, WireType.Bit64)).fixed64(5n)),
);

Deno.test("the whole fields of a message end where the last one that has arrived ends", () => {
  fc.assert(fc.property(fc.array(field, { maxLength: 8 }), fc.nat(), (fields, cut) => {
    const writer = new BinaryWriter();
    const ends = [0];
    const parts = fields.map((write) => write(new BinaryWriter()).finish());
    for (const part of parts) {
      writer.raw(part);
      ends.push(ends.at(-1)! + part.length);
    }
    const bytes = writer.finish();
    const to = cut % (bytes.length + 1);
    assert.equal(wholeFields(bytes, to), Math.max(...ends.filter((end) => end <= to)));
  }));
});

Deno.test("bytes that are no field count as whole, so that their reader names them", () => {
  assert.equal(wholeFields(Uint8Array.of(0x0b, 1, 2), 3), 3, "a wire type that is not used");
  assert.equal(wholeFields(new Uint8Array(20).fill(0xff), 20), 20, "a number that does not end");
});
