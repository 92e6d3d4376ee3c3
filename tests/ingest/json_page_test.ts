// A list in JSON is read while it arrives.

import assert from "node:assert/strict";
import { PagePart } from "../../src/ingest/body.ts";
import { framingFor } from "../../src/ingest/framing.ts";
import { joinedPages, readInPieces } from "../support/body_pieces.ts";

const metadata = { resourceVersion: "7" };
const items = Array.from({ length: 5000 }, (_, i) => ({
  metadata: { name: `service-${i}`, namespace: "shop" },
  spec: { clusterIP: "10.96.0.1" },
}));
const list = { kind: "ServiceList", apiVersion: "v1", metadata, items };
const bytesOf = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

Deno.test("a list in JSON is read in parts while it arrives, and few of its bytes are kept", () => {
  const bytes = bytesOf(list);
  const framing = framingFor("application/json", false);
  const values: unknown[] = [];
  const step = 64 * 1024;
  for (let at = 0; at < bytes.length; at += step) {
    values.push(...framing.push(bytes.subarray(at, at + step)));
    assert.ok(framing.held < step, `${framing.held} bytes are kept`);
  }
  const parts = values.filter((value) => value instanceof PagePart);
  assert.ok(parts.length > 5, `${parts.length} parts`);
  assert.deepEqual(joinedPages([...values, ...framing.end()]), [list]);
});

Deno.test("a list whose kind or version follows its objects is read at its end, in parts", () => {
  for (const last of ["kind", "apiVersion", "metadata"] as const) {
    const { [last]: value, ...rest } = list;
    const framing = framingFor("application/json", false);
    const bytes = bytesOf({ ...rest, [last]: value });
    assert.deepEqual(framing.push(bytes), []);
    assert.ok(framing.held > bytes.length - 100);
    const values = framing.end();
    assert.ok(values.length > 5);
    assert.deepEqual(joinedPages(values), [list]);
  }
});

Deno.test("a list that is wrong in a later part is named, and one that ends early too", () => {
  const text = JSON.stringify(list);
  const read = (changed: string) => () =>
    readInPieces(framingFor("", false), new TextEncoder().encode(changed), [500, 4000]);
  const invalid = { reason: "invalid", message: /^an answer that is not JSON: / };
  assert.throws(read(text.slice(0, -2000)), invalid);
  assert.throws(read(text.replace('"service-4000"', "service-4000")), invalid);
  assert.throws(read(text.replace("]}", ",]}")), invalid);
  assert.throws(read(text.replace("]}", "]}}")), invalid);
  assert.throws(read(text.replace("]}", '],"items":[{}]}')), { message: "a list with items twice" });
});
