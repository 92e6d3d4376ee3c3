// Protobuf bodies become the values that the same bodies are in JSON, however they are cut into chunks. Bytes that are no such
// body are named, and nothing is made of them.

import assert from "node:assert/strict";
import fc from "fast-check";
import { ApiFailure, EncodingFailure } from "../../src/ingest/api_failure.ts";
import { BadLine } from "../../src/ingest/body.ts";
import { errorFraming, framingFor } from "../../src/ingest/framing.ts";
import { LIST_OBJECTS_MAX } from "../../src/limits/input.ts";
import { RECORD_BYTES_MAX } from "../../src/limits/ledger.ts";
import { arbitraryNoise, arbitraryObject } from "../support/arbitrary_message.ts";
import { joinedPages, readInPieces } from "../support/body_pieces.ts";
import { joinedChunks } from "../../src/byte_chunks.ts";
import { envelope, frame, framed, type Json, sealed } from "../../src/ingest/protobuf_encoder.ts";
import { contentType } from "../support/protobuf_bodies.ts";

const cuts = fc.array(fc.nat(5000), { maxLength: 12 });
const TYPE = contentType(false);
const STREAM = contentType(true);
const NO_BYTES = new Uint8Array(0);
const SERVICE = {
  kind: "Service",
  apiVersion: "v1",
  metadata: { name: "a" },
  spec: { clusterIP: "10.96.0.1" },
};

const readValue = (bytes: Uint8Array, at: readonly number[] = []) =>
  joinedPages(readInPieces(framingFor(TYPE, false), bytes, at));
const readStream = (bytes: Uint8Array, at: readonly number[] = []) =>
  readInPieces(framingFor(STREAM, true), bytes, at);

Deno.test("an object in protobuf is the object in JSON, however its bytes are cut and whatever newer servers add", () => {
  fc.assert(fc.property(arbitraryObject, arbitraryNoise, cuts, (object, noise, cuts) => {
    assert.deepEqual(readValue(envelope(object, noise), cuts), [object]);
  }));
});

Deno.test("the events of a watch in protobuf are its lines in JSON, however the bytes are cut", () => {
  const type = fc.constantFrom("ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR");
  const event = fc.record({ type, object: arbitraryObject }, { noNullPrototype: true });
  fc.assert(fc.property(fc.array(event, { maxLength: 6 }), arbitraryNoise, cuts, (events, noise, cuts) => {
    const bytes = joinedChunks(events.map(({ type, object }) => frame(type, object, noise)));
    assert.deepEqual(readStream(bytes, cuts), events);
  }));
});

Deno.test("a body that ends too early is never a value", () => {
  fc.assert(fc.property(arbitraryObject, fc.nat(), (object, cut) => {
    const bytes = envelope(object);
    // The last four bytes are two empty fields of the envelope.
    assert.throws(() => readValue(bytes.subarray(0, cut % (bytes.length - 4))), ApiFailure);
  }));
});

Deno.test("a changed byte makes other values or a named failure, never another error", () => {
  const events = fc.array(arbitraryObject, { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(events, fc.nat(), fc.nat(255), cuts, (objects, at, byte, cuts) => {
      const bytes = joinedChunks(objects.map((object) => frame("ADDED", object)));
      bytes[at % bytes.length] = byte;
      try {
        for (const value of readStream(bytes, cuts)) {
          if (value instanceof BadLine) assert.ok(value.failure instanceof EncodingFailure);
        }
      } catch (error) {
        assert.ok(error instanceof ApiFailure, String(error));
      }
    }),
    { numRuns: 500 },
  );
});

Deno.test("arbitrary bytes are a named failure", () => {
  fc.assert(fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), cuts, (bytes, cuts) => {
    assert.throws(() => readValue(bytes, cuts), EncodingFailure);
    assert.throws(() => readValue(sealedBytes(bytes), cuts), EncodingFailure);
  }));
});

/** A list whose message is `bytes`: with a field 1 that has no end, so that it is never a list. */
function sealedBytes(bytes: Uint8Array): Uint8Array {
  return sealed("v1", "ServiceList", joinedChunks([Uint8Array.of(0x0a, 0x7f), bytes.subarray(0, 100)]));
}

Deno.test("an event before a bad frame counts, and the frame is named", () => {
  const bad = framed(Uint8Array.of(0x0b, 0x0c));
  const values = framingFor(STREAM, true).push(
    joinedChunks([frame("ADDED", SERVICE), bad, frame("ADDED", SERVICE)]),
  );
  assert.deepEqual(values[0], { type: "ADDED", object: SERVICE });
  assert.equal(values.length, 2, "what follows is not read");
  assert.match(
    failureOf(values[1]),
    /^a frame of protobuf that cannot be read: field 1, type, has the wire type 3/,
  );
});

Deno.test("a frame that is too long is refused when its length has arrived", () => {
  const head = framed(NO_BYTES, RECORD_BYTES_MAX + 1);
  const framing = framingFor(STREAM, true);
  assert.deepEqual(framing.push(head.subarray(0, 3)), []);
  const [bad] = framing.push(head.subarray(3));
  assert.match(
    failureOf(bad),
    new RegExp(`a frame of ${RECORD_BYTES_MAX + 1} bytes, more than ${RECORD_BYTES_MAX}`),
  );
  assert.deepEqual(framing.push(frame("ADDED", SERVICE)), []);
});

const failureOf = (value: unknown) => {
  assert.ok(value instanceof BadLine);
  return value.failure.message;
};

Deno.test("a stream that ends within a frame is cut, a body that is no stream is not protobuf", () => {
  const cut = frame("ADDED", SERVICE).subarray(0, 20);
  assert.throws(() => readStream(cut), {
    reason: "cut",
    message: "the stream ended in the middle of a frame",
  });
  assert.match(failureOf(readStream(new TextEncoder().encode("<html>"))[0]), /a frame of 1013478509 bytes/);
  assert.throws(() => readStream(framed(new TextEncoder().encode("{}"), 20)), EncodingFailure);
});

Deno.test("a Status in place of a stream or of a list is read, and an error answer too", () => {
  const status = { kind: "Status", apiVersion: "v1", message: "no", reason: "Expired", code: 410 };
  assert.deepEqual(readStream(envelope(status), [1, 2, 9]), [status]);
  assert.deepEqual(readValue(envelope(status)), [status]);
  assert.deepEqual(readInPieces(errorFraming(TYPE), envelope(status), [3]), [status]);
  const [text] = readInPieces(errorFraming(TYPE), new TextEncoder().encode("bad gateway"), []);
  assert.equal(text, "an error in protobuf that cannot be read");
});

Deno.test("a list without metadata, or of too many objects, is no list", () => {
  const list = (raw: Uint8Array) => () => readValue(sealed("v1", "ServiceList", raw));
  assert.throws(list(NO_BYTES), { message: "protobuf that cannot be read: a ServiceList without metadata" });
  assert.throws(list(Uint8Array.of(0x12, 0)), EncodingFailure);
  assert.deepEqual(list(Uint8Array.of(0x0a, 0))(), [
    { apiVersion: "v1", kind: "ServiceList", metadata: {}, items: [] },
  ]);
  const many = new Uint8Array(2 * (LIST_OBJECTS_MAX + 1)).map((_, i) => i % 2 === 0 ? 0x12 : 0);
  assert.throws(list(many), new RegExp(`a list of more than ${LIST_OBJECTS_MAX} objects`));
});

Deno.test("of an object of another kind or version only the kind is read", () => {
  for (const [apiVersion, kind] of [["v1", "Pod"], ["v9", "Service"], ["apps/v1", "ServiceList"]] as const) {
    assert.deepEqual(readValue(sealed(apiVersion, kind, Uint8Array.of(0xff))), [{ apiVersion, kind }]);
  }
});

Deno.test("an envelope with an encoding or another content type is named", () => {
  const raw = Uint8Array.of(0x0a, 0);
  const withText = (number: number, text: string) =>
    sealed("v1", "ServiceList", raw, (writer) => writer.uint32(number << 3 | 2).string(text));
  assert.throws(() => readValue(withText(3, "gzip")), { message: /an object in the encoding "gzip"/ });
  assert.throws(() => readValue(withText(4, "application/json")), EncodingFailure);
  assert.equal(readValue(withText(4, "application/vnd.kubernetes.protobuf")).length, 1);
});

Deno.test("an empty answer is no list", () => {
  assert.throws(() => readValue(NO_BYTES), { reason: "invalid", message: /^an empty answer/ });
  assert.deepEqual(readStream(NO_BYTES), []);
});

Deno.test("content types are compared without case and parameters; others are read as JSON", () => {
  const object: Json = { kind: "Service", apiVersion: "v1" };
  for (const type of ["Application/vnd.kubernetes.protobuf", `${TYPE} ; charset=utf-8`]) {
    assert.deepEqual(readInPieces(framingFor(type, false), envelope(object), []), [object]);
  }
  assert.throws(() => readInPieces(framingFor("application/json", false), envelope(object), []), /not JSON/);
});
