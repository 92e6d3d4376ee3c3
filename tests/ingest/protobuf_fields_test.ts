// The numbers of the fields, against streams of a real kube-apiserver 1.37.2: what is read of its protobuf is what its JSON has.

import assert from "node:assert/strict";
import { framingFor } from "../../src/ingest/framing.ts";
import { OBJECTS, type WireMessage } from "../../src/ingest/protobuf_fields.ts";
import { OBJECT_KINDS } from "../../src/kube/objects.ts";
import { decodeObject } from "../../src/kube/decode.ts";
import { SCHEMAS } from "../../src/kube/decode_schemas.ts";
import { readInPieces } from "../support/body_pieces.ts";
import { projected, sortedEvents } from "../support/projected.ts";
import { type Json } from "../../src/ingest/protobuf_encoder.ts";
import { contentType } from "../support/protobuf_bodies.ts";

const FOLDER = new URL("../../fixtures/api/streams/", import.meta.url);

/** The events of a recorded stream, in both encodings. */
function events(kind: string): { json: Json[]; protobuf: Json[] } {
  const json = Deno.readFileSync(new URL(`${kind}.ndjson`, FOLDER));
  const protobuf = Deno.readFileSync(new URL(`${kind}.protobuf`, FOLDER));
  return {
    json: readInPieces(framingFor("application/json", true), json, [1000]) as Json[],
    protobuf: readInPieces(framingFor(contentType(true), true), protobuf, [1000, 1003]) as Json[],
  };
}

for (const kind of OBJECT_KINDS) {
  Deno.test(`every ${kind} of a recorded stream is the same in protobuf as in JSON`, () => {
    const { json, protobuf } = events(kind);
    const expected = json.map(({ type, object }) => ({ type, object: projected(object as Json) }));
    assert.deepEqual(sortedEvents(protobuf), sortedEvents(expected));
    assert.deepEqual(decoded(protobuf), decoded(json));
    assert.deepEqual(protobuf.at(-1)!["type"], "BOOKMARK");
  });
}

function decoded(events: readonly Json[]): unknown[] {
  const objects = events.filter(({ type }) => type !== "BOOKMARK").map(({ object }) => decodeObject(object));
  return objects.sort((a, b) => JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
}

Deno.test("the table has every field that an object is decoded to", () => {
  for (const kind of OBJECT_KINDS) {
    const { message } = OBJECTS.get(kind)!;
    // The order of a value that is decoded is the order of its schema.
    const { json } = events(kind);
    for (const { object } of json) {
      const found = decodeObject(object);
      if (found.ok) assertFields(message, found.object as unknown as Json, kind);
    }
    assert.ok(kind in SCHEMAS);
  }
});

function assertFields(message: WireMessage, value: Json, path: string): void {
  for (const [name, part] of Object.entries(value)) {
    if (name === "kind") continue;
    const field = message.find((field) => field?.name === name);
    assert.ok(field !== undefined, `${path}.${name}`);
    if (field.kind === "message") assertFields(field.message, part as Json, `${path}.${name}`);
    if (field.kind !== "messages") continue;
    for (const element of part as Json[]) assertFields(field.message, element, `${path}.${name}`);
  }
}
