// Bytes become the same values, however they are cut into chunks.

import assert from "node:assert/strict";
import fc from "fast-check";
import { BadLine } from "../../src/ingest/body.ts";
import { framingFor } from "../../src/ingest/framing.ts";
import { RECORD_BYTES_MAX } from "../../src/limits.ts";
import { readInPieces as read } from "../support/body_pieces.ts";

const json = fc.jsonValue();
const cuts = fc.array(fc.nat(5000), { maxLength: 12 });

Deno.test("lines are the same however the bytes are cut, also inside a character", () => {
  fc.assert(fc.property(fc.array(json, { maxLength: 8 }), cuts, fc.boolean(), (values, cuts, open) => {
    const text = values.map((value) => JSON.stringify(value)).join("\n") + (open ? "" : "\n");
    const bytes = new TextEncoder().encode(text);
    assert.deepEqual(
      read(framingFor("application/json", true), bytes, cuts),
      JSON.parse(JSON.stringify(values)),
    );
  }));
});

Deno.test("a value is the same however its bytes are cut", () => {
  fc.assert(fc.property(json, cuts, (value, cuts) => {
    const bytes = new TextEncoder().encode(JSON.stringify(value));
    assert.deepEqual(
      read(framingFor("application/json", false), bytes, cuts),
      [JSON.parse(JSON.stringify(value))],
    );
  }));
});

Deno.test("empty lines are skipped, and a line that is not JSON keeps its place", () => {
  const bytes = new TextEncoder().encode("1\n\n \r\n2\r\nnonsense\n3\n");
  const values = framingFor("", true).push(bytes);
  assert.deepEqual(values.map((value) => value instanceof BadLine ? value.failure.text : value), [
    1,
    2,
    "a line that is not JSON: nonsense",
    3,
  ]);
});

Deno.test("a body that is cut, empty, endless or not JSON is reported as that", () => {
  const ends = (stream: boolean, text: string) => () =>
    read(framingFor("application/json", stream), new TextEncoder().encode(text), []);
  assert.throws(ends(true, '1\n{"a":'), {
    reason: "cut",
    message: "the stream ended in the middle of a line",
  });
  assert.throws(ends(true, "<html>"), { reason: "invalid", message: "an answer that is not JSON: <html>" });
  assert.throws(ends(false, " \n"), { reason: "invalid", message: /^an empty answer/ });
  assert.throws(ends(false, "<html>\u001b[2J\n\n x"), {
    message: "an answer that is not JSON: <html>\\u{1b}[2J x",
  });
  const endless = framingFor("application/json", true);
  const chunk = new Uint8Array(1 << 20).fill(0x61);
  assert.throws(() => {
    for (let bytes = 0; bytes <= RECORD_BYTES_MAX; bytes += chunk.length) endless.push(chunk);
  }, { message: `a line of more than ${RECORD_BYTES_MAX} bytes` });
});
