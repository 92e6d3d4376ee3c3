// The bytes of a ledger: what is encoded is decoded, and what another version wrote is refused.

import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import {
  canonicalJson,
  decodeRecord,
  encodeRecord,
  genesisChain,
  segmentName,
} from "../../src/ledger/format.ts";
import { verifyLedger } from "../../src/ledger/reader.ts";
import type { EventRecord } from "../../src/ledger/record.ts";
import { EVERY_KIND, ID, open, text, using } from "../support/ledger_records.ts";
import { memoryStorage } from "../support/memory_storage.ts";

Deno.test("decode(encode(x)) = x for any JSON value in a record, and the order of keys does not show", () => {
  const reversed = (value: unknown): unknown =>
    typeof value !== "object" || value === null || Array.isArray(value)
      ? value
      : Object.fromEntries(Object.entries(value).reverse().map(([key, field]) => [key, reversed(field)]));
  fc.assert(fc.property(fc.jsonValue({ noUnicodeString: false } as never), fc.nat(), (value, offset) => {
    const plain = JSON.parse(JSON.stringify(value).replaceAll("-0", "0"));
    const event = EVERY_KIND[1] as EventRecord;
    const record = { ...event, value: { ...event.value, further: plain } } as unknown as EventRecord;
    const { line, chain } = encodeRecord(offset, record, genesisChain(ID));
    const decoded = decodeRecord(new TextEncoder().encode(line.trimEnd()), offset, genesisChain(ID));
    assert.deepEqual(decoded, { offset, record, chain });
    assert.equal(canonicalJson(reversed(plain)), canonicalJson(plain));
    assert.deepEqual(JSON.parse(line).value.further, plain, "a line is JSON for jq");
  }));
});

Deno.test("a newer format version is refused with advice", () => {
  const storage = memoryStorage();
  using(open(storage), (writer) => writer.append(EVERY_KIND));
  const [header, ...rest] = text(storage.read(segmentName(0))).split("\n") as [string, ...string[]];
  const covered = header.slice(0, header.indexOf(',"crc"')).replace('"version":1', '"version":2');
  const sealed = `${covered},"crc":"${crc32(covered).toString(16).padStart(8, "0")}"}`;
  storage.files.set(segmentName(0), new TextEncoder().encode([sealed, ...rest].join("\n")));
  assert.match(verifyLedger(storage)[0]!, /format version 2; this program reads version 1: use a newer one/);
});
