// A list in protobuf is read while it arrives.

import assert from "node:assert/strict";
import { EncodingFailure } from "../../src/ingest/api_failure.ts";
import { PagePart } from "../../src/ingest/body.ts";
import { framingFor } from "../../src/ingest/framing.ts";
import { joinedPages, readInPieces } from "../support/body_pieces.ts";
import { envelope, type Json } from "../../src/ingest/protobuf_encoder.ts";
import { contentType } from "../support/protobuf_bodies.ts";

const spec = { clusterIP: "10.96.0.1" };
const framingOf = () => framingFor(contentType(false), false);

Deno.test("a list in protobuf is read in parts while it arrives, and few of its bytes are kept", () => {
  const names = Array.from({ length: 5000 }, (_, i) => `service-${i}`);
  const items = names.map((name) => ({ metadata: { name, namespace: "shop" }, spec }));
  const metadata = { resourceVersion: "7" };
  const bytes = envelope({ kind: "ServiceList", apiVersion: "v1", metadata, items });
  const framing = framingOf();
  const values: unknown[] = [];
  const step = 64 * 1024;
  for (let at = 0; at < bytes.length; at += step) {
    values.push(...framing.push(bytes.subarray(at, at + step)));
    assert.ok(framing.held < step / 2, `${framing.held} bytes are kept`);
  }
  const parts = values.filter((value) => value instanceof PagePart).map((part) => part.read() as Json);
  assert.equal(parts.length, Math.ceil(bytes.length / step));
  for (const part of parts) assert.deepEqual(part["metadata"], metadata);
  const [list] = joinedPages([...values, ...framing.end()]);
  assert.deepEqual(list, { kind: "ServiceList", apiVersion: "v1", metadata, items });
});

Deno.test("a list that is wrong in a later part is named, and one that ends early too", () => {
  const items = Array.from({ length: 1000 }, (_, i) => ({ metadata: { name: `s${i}`, namespace: "shop" } }));
  const list = { kind: "ServiceList", apiVersion: "v1", metadata: { resourceVersion: "7" }, items };
  const bytes = envelope(list);
  const wrong = new Uint8Array(bytes);
  wrong[bytes.length - 2000] = 0xff;
  assert.throws(() => readInPieces(framingOf(), wrong, [500, 4000]), EncodingFailure);
  assert.throws(
    () => readInPieces(framingOf(), bytes.subarray(0, bytes.length - 2000), [500, 4000]),
    EncodingFailure,
  );
});
