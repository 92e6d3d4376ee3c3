// JSON objects that are not one per line, read through the framing of a watch.

import assert from "node:assert/strict";
import fc from "fast-check";
import { BadLine } from "../../src/ingest/body.ts";
import { framingFor } from "../../src/ingest/framing.ts";
import { JsonPieces } from "../../src/ingest/json_pieces.ts";
import { readInPieces as read } from "../support/body_pieces.ts";

const json = fc.jsonValue();
const cuts = fc.array(fc.nat(5000), { maxLength: 12 });

Deno.test("several objects on a line, and an object on many lines, are read as if each were on a line", () => {
  fc.assert(
    fc.property(fc.array(fc.dictionary(fc.string(), json), { minLength: 1 }), cuts, (values, cuts) => {
      for (const [indent, between] of [[0, ""], [2, "\n"], [2, ""], ["\t", " \r\n"]] as const) {
        const text = values.map((value) => JSON.stringify(value, null, indent)).join(between) + "\n";
        assert.deepEqual(
          read(framingFor("application/json", true), new TextEncoder().encode(text), cuts),
          JSON.parse(JSON.stringify(values)),
        );
      }
    }),
  );
});

Deno.test("an object that does not end is reported when the next event comes, and when the body ends", () => {
  const event = '{"type":"ADDED","object":{}}';
  const values = framingFor("", true).push(new TextEncoder().encode(`{"type":"ADDED",\n${event}\n`));
  assert.deepEqual(values.map((value) => value instanceof BadLine ? value.failure.text : value), [
    "a line that is not JSON: an object that does not end",
    JSON.parse(event),
  ]);
  const cut = framingFor("", true);
  assert.deepEqual(cut.push(new TextEncoder().encode('{"a":\n[1,\n')), []);
  assert.ok(cut.held > 0);
  assert.throws(() => cut.end(), { reason: "cut" });
});

Deno.test("what cannot be objects is forgotten, and the next object is read", () => {
  const pieces = new JsonPieces();
  for (const wrong of ["<html>", '{"a": "b\n', "{} x", "}"]) {
    assert.equal(pieces.push(wrong), undefined, wrong);
    assert.equal(pieces.held, 0);
    assert.deepEqual(pieces.push('{"a":"}\\""} {}'), ['{"a":"}\\""}', " {}"]);
  }
  assert.deepEqual(pieces.push("{["), []);
  assert.equal(pieces.held, 2);
  assert.ok(pieces.forget());
  assert.ok(!pieces.forget());
});
