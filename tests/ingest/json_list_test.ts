// A list is divided into pieces of whole objects, and into its frame.

import assert from "node:assert/strict";
import fc from "fast-check";
import { JsonListPieces } from "../../src/ingest/json_list.ts";
import { JSON_PARTS_MAX } from "../../src/limits/input.ts";
import { RECORD_BYTES_MAX } from "../../src/limits/ledger.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The pieces and the frame of `text`, which arrives in chunks of `step` bytes. */
function divided(text: string, step: number): { readonly pieces: string[]; readonly frame: string } {
  const list = new JsonListPieces();
  const bytes = encoder.encode(text);
  const pieces: string[] = [];
  for (let at = 0; at < bytes.length; at += step) {
    const excess = list.push(bytes.subarray(at, at + step), (piece) => pieces.push(decoder.decode(piece)));
    assert.equal(excess, undefined);
  }
  return { pieces, frame: decoder.decode(list.frame) };
}

Deno.test("pieces and frame together are the object, whatever the chunks are", () => {
  const item = fc.record({
    name: fc.string(),
    items: fc.jsonValue(),
    text: fc.constant('"]},[{\\"items":['),
  });
  fc.assert(
    fc.property(fc.array(item), fc.jsonValue(), fc.integer({ min: 1, max: 40 }), (items, more, step) => {
      const object = { kind: "L", more: [more], items, metadata: { items: [1, 2], more } };
      const text = JSON.stringify(object, null, step % 3);
      const { pieces, frame } = divided(text, step);
      const found = pieces.flatMap((piece) => JSON.parse(`[${piece}]`));
      assert.deepEqual({ ...JSON.parse(frame), items: found }, JSON.parse(text));
    }),
  );
});

Deno.test("a piece has 16 KiB of whole objects, and no comma at its ends", () => {
  const items = Array.from({ length: 100 }, (_, i) => ({ name: `s${i}`, text: "x".repeat(1000) }));
  const { pieces, frame } = divided(JSON.stringify({ items }), 700);
  assert.equal(frame, '{"items":[]}');
  const sizes = pieces.map((piece) => JSON.parse(`[${piece}]`).length);
  assert.deepEqual(sizes, [16, 16, 16, 16, 16, 16, 4]);
});

Deno.test("only a list of the object itself is one of items, and only the first", () => {
  for (
    const text of [
      '{"items":{"a":[]}}',
      '{"a":"items","b":["items",[1]]}',
      '["items",[1]]',
      '{"a":{"items":[1]}}',
    ]
  ) {
    assert.deepEqual(divided(text, 3), { pieces: [], frame: text });
  }
  assert.deepEqual(divided('{"items" : [1] ,"items":[2]}', 2), {
    pieces: ["1"],
    frame: '{"items" : [] ,"items":[2]}',
  });
});

Deno.test("an object, or a frame, that is larger than any of the API is refused as it arrives", () => {
  const parts = `more than ${JSON_PARTS_MAX} brackets and commas of JSON`;
  const bytes = `more than ${RECORD_BYTES_MAX} bytes`;
  for (const begin of ['{"items":[', '{"items":[{},{"a":[', '{"a":[']) {
    for (
      const [text, problem] of [["[", parts], ['{"k":0},', parts], ["1", bytes], [" ", bytes], ['"', bytes]]
    ) {
      const list = new JsonListPieces();
      list.push(encoder.encode(begin + (text === '"' ? '"' : "")), () => {});
      const chunk = encoder.encode((text === '"' ? "[,{" : text)!.repeat(1 << 16));
      let found: string | undefined;
      for (let sent = 0; found === undefined && sent < 2 * RECORD_BYTES_MAX; sent += chunk.length) {
        found = list.push(chunk, () => {});
      }
      const isInItems = begin === '{"items":[' && text === '{"k":0},';
      assert.equal(found, isInItems ? undefined : problem, `${begin}${text}`);
      assert.ok(list.held <= RECORD_BYTES_MAX + 2 * chunk.length, `${begin}${text}: ${list.held} bytes`);
    }
  }
});
