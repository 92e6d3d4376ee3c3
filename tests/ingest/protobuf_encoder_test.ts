// What the encoder writes is what a server has written: the objects of recorded streams, and what is around them.

import assert from "node:assert/strict";
import { envelope, frame, type Json } from "../../src/ingest/protobuf_encoder.ts";
import { framingFor } from "../../src/ingest/framing.ts";
import { PROTOBUF } from "../../src/ingest/protobuf_framing.ts";
import { decodeObject } from "../../src/kube/decode.ts";
import { OBJECT_KINDS } from "../../src/kube/objects.ts";

const FOLDER = new URL("../../fixtures/api/streams/", import.meta.url);

/** The events in `bytes` of a watch. */
function eventsIn(bytes: Uint8Array): readonly Json[] {
  const stream = framingFor(`${PROTOBUF};stream=watch`, true);
  return [...stream.push(bytes), ...stream.end()] as Json[];
}

for (const kind of OBJECT_KINDS) {
  Deno.test(`every event of a recorded stream of ${kind} is written so that it is read again as it was`, () => {
    const recorded = eventsIn(Deno.readFileSync(new URL(`${kind}.protobuf`, FOLDER)));
    assert.ok(recorded.length > 1);
    for (const { type, object } of recorded) {
      const [again] = eventsIn(frame(type, object));
      assert.equal(again!["type"], type);
      assert.deepEqual(decodeObject(again!["object"]), decodeObject(object));
      const value = framingFor(PROTOBUF, false);
      value.push(envelope(object as Json));
      assert.deepEqual(value.end(), [again!["object"]]);
    }
  });
}
