// What a message is read into where it departs from what a server writes: merged, repeated, of other types, too long.

import assert from "node:assert/strict";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { ByteSpan, MessageReader, UnreadableMessage } from "../../src/ingest/protobuf_message.ts";
import { OBJECTS } from "../../src/ingest/protobuf_fields.ts";
import { OBJECT_LIST_MAX } from "../../src/limits/input.ts";
import { tag } from "../../src/ingest/protobuf_encoder.ts";

const SERVICE = OBJECTS.get("Service")!.message;
const { LengthDelimited, Varint } = WireType;

/** The Service whose fields `write` writes. */
function read(write: (writer: BinaryWriter) => void): Record<string, unknown> {
  const writer = new BinaryWriter();
  write(writer);
  return readBytes(writer.finish());
}

function readBytes(bytes: Uint8Array): Record<string, unknown> {
  return new MessageReader(bytes).read(SERVICE, new ByteSpan(0, bytes.length));
}

/** Writes a message within another. */
function part(writer: BinaryWriter, number: number, write: (writer: BinaryWriter) => void): void {
  writer.uint32(tag(number, LengthDelimited)).fork();
  write(writer);
  writer.join();
}

const text = (writer: BinaryWriter, number: number, value: string) =>
  writer.uint32(tag(number, LengthDelimited)).string(value);

Deno.test("a message that comes twice is merged, and the last value of a field counts", () => {
  const service = read((writer) => {
    part(writer, 1, (meta) => {
      text(meta, 1, "first");
      text(meta, 1, "web");
      text(meta, 5, "uid");
    });
    part(writer, 2, (spec) => {
      text(spec, 5, "192.0.2.1");
      text(spec, 3, "10.96.0.1");
    });
    part(writer, 1, (meta) => {
      text(meta, 3, "shop");
      text(meta, 5, "");
    });
    part(writer, 2, (spec) => text(spec, 5, "192.0.2.2"));
  });
  assert.deepEqual(service, {
    metadata: { name: "web", namespace: "shop" },
    spec: { clusterIP: "10.96.0.1", externalIPs: ["192.0.2.1", "192.0.2.2"] },
  });
});

Deno.test("an entry of a map may lack its parts, and the last entry of a key counts", () => {
  const label = (key: string | undefined, value: string | undefined) => (meta: BinaryWriter) =>
    part(meta, 11, (entry) => {
      if (value !== undefined) text(entry, 2, value);
      if (key !== undefined) text(entry, 1, key);
    });
  const name = "kubernetes.io/service-name";
  const meta = (...labels: readonly ((writer: BinaryWriter) => void)[]) =>
    read((writer) => part(writer, 1, (meta) => labels.forEach((label) => label(meta))))["metadata"];
  assert.deepEqual(meta(label(name, "a"), label("other", "x"), label(name, "b")), {
    labels: { [name]: "b" },
  });
  assert.deepEqual(meta(label(name, undefined), label(undefined, "x"), label("__proto__", "x")), {
    labels: { [name]: "" },
  });
});

Deno.test("numbers are 32 bits wide as in Go, and flags are true where they are not 0", () => {
  const port = (write: (port: BinaryWriter) => void) =>
    read((writer) =>
      part(writer, 2, (spec) => part(spec, 1, (ports) => write(ports.uint32(tag(3, Varint)))))
    );
  const portOf = (value: unknown) => ({ spec: { ports: [{ port: value }] } });
  assert.deepEqual(port((writer) => writer.int32(-1)), portOf(-1));
  assert.deepEqual(port((writer) => writer.int64(2 ** 32 + 80)), portOf(80));
  assert.deepEqual(port((writer) => writer.uint32(0)), portOf(0));
});

Deno.test("bytes that are not UTF-8 become U+FFFD, as in a server's JSON", () => {
  const name = (...bytes: number[]) =>
    (read((writer) =>
      part(writer, 1, (meta) => meta.uint32(tag(1, LengthDelimited)).bytes(Uint8Array.from(bytes)))
    )["metadata"] as { name: string }).name;
  assert.equal(name(0x61, 0xff, 0x62), "a\ufffdb");
  assert.equal(name(0xef, 0xbb, 0xbf, 0x61), "\ufeffa");
  assert.equal(name(...new TextEncoder().encode("é".repeat(60))), "é".repeat(60));
});

Deno.test("a time is a text of seconds, and absent where it is empty", () => {
  const born = (write: (time: BinaryWriter) => void) =>
    (read((writer) => part(writer, 1, (meta) => part(meta, 8, write)))["metadata"] as Record<
      string,
      unknown
    >)[
      "creationTimestamp"
    ];
  const at = (seconds: bigint) => born((time) => time.uint32(tag(1, Varint)).int64(seconds));
  assert.equal(born(() => {}), undefined);
  assert.equal(at(0n), "1970-01-01T00:00:00Z");
  assert.equal(at(1_796_000_000n), "2026-11-30T00:53:20Z");
  assert.equal(at(-62_135_596_799n), "0001-01-01T00:00:01Z");
  assert.throws(() => at(2n ** 62n), { message: "a time of 4611686018427388000 s after 1970" });
});

const HOSTILE: Record<string, readonly [Uint8Array, RegExp]> = {
  "a group": [Uint8Array.of(0x63, 0x64), /field 12 has a wire type that Kubernetes does not use: 3/],
  "groups in groups": [new Uint8Array(100_000).fill(0x63), /field 12 has a wire type/],
  "a field of another wire type": [Uint8Array.of(0x08, 0x01), /field 1, metadata, has the wire type 0/],
  "a length behind the end": [Uint8Array.of(0x0a, 0x05, 0x0a), /a length of 5 where 1 bytes are left/],
  "a length behind the end of a part": [Uint8Array.of(0x0a, 2, 0x0a, 1, 0x61), /a length of 1 where 0/],
  "a length of 4 GB": [Uint8Array.of(0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f), /a length of 4294967295/],
  "a length of 4 GB whose last 32 bits are 0": [
    Uint8Array.of(0x0a, 0x80, 0x80, 0x80, 0x80, 0x10),
    /a length of more than 32 bits/,
  ],
  "a length of six bytes": [
    Uint8Array.of(0x0a, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01),
    /a length of more than 32 bits/,
  ],
  "a tag whose last 32 bits are those of another": [
    Uint8Array.of(0x8a, 0x80, 0x80, 0x80, 0x10, 0x00),
    /a tag of more than 32 bits/,
  ],
  "a time that ends behind its end": [
    Uint8Array.of(0x0a, 4, 0x42, 1, 0x08, 0x05),
    /longer than its message/,
  ],
  "a part of a time that ends behind its end": [
    Uint8Array.of(0x0a, 4, 0x42, 1, 0x10, 0x05),
    /longer than its message/,
  ],
  "a map's entry that ends behind its end": [
    Uint8Array.of(0x0a, 4, 0x5a, 1, 0x18, 0x05),
    /longer than its message/,
  ],
  "an unknown field behind the end": [Uint8Array.of(0x61, 1, 2, 3), /longer than its message/],
  "a number behind the end of a part": [Uint8Array.of(0x12, 2, 0x60, 0x80, 1), /longer than its message/],
  "a number that never ends": [new Uint8Array(20).fill(0xff), /./],
  "field 0": [Uint8Array.of(0x00, 0x00), /./],
  "a wire type that does not exist": [Uint8Array.of(0x0f), /./],
  "a key that is a number": [Uint8Array.of(0x0a, 4, 0x5a, 2, 0x08, 1), /a map's entry has the wire type 0/],
};

for (const [name, [bytes, message]] of Object.entries(HOSTILE)) {
  Deno.test(`a message with ${name} cannot be read`, () => {
    assert.throws(() => readBytes(bytes), (error: unknown) => {
      assert.ok(error instanceof UnreadableMessage, String(error));
      assert.match(error.message, message);
      return true;
    });
  });
}

Deno.test("a list that is too long is read as far as the door needs to refuse it", () => {
  const ports = new Uint8Array(2 * (OBJECT_LIST_MAX + 100)).map((_, i) => i % 2 === 0 ? 0x0a : 0);
  const { spec } = read((writer) => writer.uint32(tag(2, LengthDelimited)).bytes(ports));
  assert.equal((spec as { ports: unknown[] }).ports.length, OBJECT_LIST_MAX + 1);
});
