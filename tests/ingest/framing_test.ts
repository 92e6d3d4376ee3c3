// Bytes become the same values, however they are cut into chunks.

import assert from "node:assert/strict";
import fc from "fast-check";
import { BadLine } from "../../src/ingest/body.ts";
import { framingFor } from "../../src/ingest/framing.ts";
import { RECORD_BYTES_MAX } from "../../src/limits/ledger.ts";
import { joinedPages, readInPieces as read } from "../support/body_pieces.ts";

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

Deno.test("JSON that would fill the memory is refused before it is parsed", () => {
  const line = framingFor("application/json", true);
  const values: unknown[] = [];
  for (let i = 0; i < 12; i++) values.push(...line.push(new Uint8Array(1 << 20).fill(0x5b)));
  values.push(...line.push(new TextEncoder().encode('\n{"a":1}\n')));
  assert.deepEqual(values.map((value) => value instanceof BadLine ? value.failure.text : value), [
    `a line of more than 2000000 brackets and commas of JSON`,
    { a: 1 },
  ]);
  const pieces = framingFor("application/json", true);
  const lines = new TextEncoder().encode(`{"a":[${`${"{},".repeat(10_000)}\n`.repeat(10)}`);
  const found = Array.from({ length: 11 }, () => pieces.push(lines)).flat();
  found.push(...pieces.push(new TextEncoder().encode(`${"0]}".repeat(11)}\n`)));
  assert.match(found[0] instanceof BadLine ? found[0].failure.text : "", /^a line of more than \d+ brackets/);
});

Deno.test("the page of the most endpoints that a server sends is read", () => {
  const endpoint = (i: number) => ({
    addresses: [`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`],
    conditions: { ready: true, serving: true, terminating: false },
    nodeName: "node-1",
    targetRef: {
      kind: "Pod",
      namespace: "shop",
      name: `web-${i}`,
      uid: "c2a4f0aa-8c5b-4f0a-9c1b-000000000000",
    },
    zone: "a",
  });
  const slice = JSON.stringify({ endpoints: Array.from({ length: 1000 }, (_, i) => endpoint(i)) });
  const page = framingFor("application/json", false);
  const encoder = new TextEncoder();
  const before = { kind: "EndpointSliceList", apiVersion: "discovery.k8s.io/v1", metadata: {}, items: [] };
  const values = [...page.push(encoder.encode(JSON.stringify(before).slice(0, -2)))];
  for (let i = 0; i < 500; i++) {
    values.push(...page.push(encoder.encode(i === 499 ? `${slice}]}` : `${slice},`)));
    assert.ok(page.held < 2 * slice.length, `${page.held} bytes`);
  }
  const [list] = joinedPages([...values, ...page.end()]) as [{ items: unknown[] }];
  assert.equal(list.items.length, 500);
});
