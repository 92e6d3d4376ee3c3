// Lines that are not what a segment of this version has are rejected, with a reason.

import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import { joinedChunks } from "../../src/byte_chunks.ts";
import { encodeRecord, genesisChain, segmentName } from "../../src/ledger/format.ts";
import { decodeLine, decodeRecord, NOT_WHOLE } from "../../src/ledger/line_decoder.ts";
import { verifyLedger } from "../../src/ledger/reader.ts";
import { EVERY_KIND, ID, open, text, using } from "../support/ledger_records.ts";
import { memoryStorage } from "../support/memory_storage.ts";

Deno.test("a line with any changed byte is rejected, and so is one at another offset or behind another record", () => {
  const genesis = genesisChain(ID);
  const line = new TextEncoder().encode(encodeRecord(7, EVERY_KIND[1]!, genesis).line.trimEnd());
  for (let i = 0; i < line.length; i++) {
    const changed = line.with(i, line[i]! ^ 1);
    assert.equal(decodeRecord(changed, 7, genesis), NOT_WHOLE, `byte ${i}`);
    assert.equal(decodeLine(changed), undefined, `byte ${i}`);
  }
  assert.equal(decodeRecord(line, 8, genesis), "offset 7 where 8 was expected");
  assert.equal(decodeRecord(line, 7, "0".repeat(64)), "altered, or what was before it was (hash chain)");
  assert.equal(decodeLine(line)?.offset, 7);
});

Deno.test("a newer format version is rejected with advice", () => {
  const storage = memoryStorage();
  using(open(storage), (writer) => writer.append(EVERY_KIND));
  const [header, ...rest] = text(storage.read(segmentName(0))).split("\n") as [string, ...string[]];
  const covered = header.slice(0, header.indexOf(',"crc"')).replace('"version":1', '"version":2');
  const sealed = `${covered},"crc":"${crc32(covered).toString(16).padStart(8, "0")}"}`;
  storage.files.set(segmentName(0), new TextEncoder().encode([sealed, ...rest].join("\n")));
  assert.match(verifyLedger(storage)[0]!, /format version 2; this program reads version 1: use a newer one/);
});

Deno.test("a line that would fill the memory is rejected before it is parsed, although its CRC is right", () => {
  for (const part of ["[", "{},", '{"k":0},']) {
    const covered = new TextEncoder().encode(
      `{"chain":"","offset":7,"kind":"event","value":[${part.repeat(3_000_000)}0]`,
    );
    const tail = `,"crc":"${crc32(covered).toString(16).padStart(8, "0")}"}`;
    const line = joinedChunks([covered, new TextEncoder().encode(tail)]);
    assert.equal(
      decodeRecord(line, 7, undefined),
      "not a record: more than 2000000 brackets and commas of JSON",
    );
    assert.equal(decodeLine(line), undefined);
  }
});
