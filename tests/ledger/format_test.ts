// The bytes of a ledger: decoding gives what was encoded.

import assert from "node:assert/strict";
import fc from "fast-check";
import { canonicalJson, encodeRecord, genesisChain } from "../../src/ledger/format.ts";
import { decodeRecord } from "../../src/ledger/line_decoder.ts";
import type { EventRecord } from "../../src/ledger/record.ts";
import { EVERY_KIND, ID } from "../support/ledger_records.ts";

Deno.test("decode(encode(x)) = x for any JSON value in a record, in any order of keys", () => {
  const reversed = (value: unknown): unknown =>
    typeof value !== "object" || value === null || Array.isArray(value)
      ? value
      : Object.fromEntries(Object.entries(value).reverse().map(([key, field]) => [key, reversed(field)]));
  fc.assert(fc.property(fc.jsonValue({ noUnicodeString: false } as never), fc.nat(), (value, offset) => {
    const plain = JSON.parse(JSON.stringify(value).replaceAll("-0", "0"));
    const event = EVERY_KIND[1] as EventRecord;
    const record = { ...event, value: { ...event.value, further: plain } } as unknown as EventRecord;
    const encoded = encodeRecord(offset, record, genesisChain(ID));
    assert.deepEqual(encodeRecord(offset, record, genesisChain(ID), true), encoded);
    const { line, chain } = encoded;
    const decoded = decodeRecord(new TextEncoder().encode(line.trimEnd()), offset, genesisChain(ID));
    assert.deepEqual(decoded, { offset, record, chain });
    assert.equal(canonicalJson(reversed(plain)), canonicalJson(plain));
    assert.deepEqual(JSON.parse(line).value.further, plain, "a line is plain JSON, for tools such as jq");
  }));
});
