// Messages and attributes read from bytes that the writer made.

import assert from "node:assert/strict";
import {
  attributeList,
  messageAttributes,
  messages,
  nested,
  text,
  u32,
} from "../../src/kernel/netlink_reader.ts";
import { NetlinkWriter } from "../../src/kernel/netlink_writer.ts";

function datagram(): Uint8Array<ArrayBuffer> {
  const writer = new NetlinkWriter();
  for (const sequence of [1, 2]) {
    writer.openMessage(0x0a01, 4, sequence, 2);
    writer.attributeString(1, `table-${sequence}`);
    const nest = writer.openNest(2);
    writer.attributeU32(1, 0xfffffffe);
    writer.attributeU32(1, sequence);
    writer.close(nest);
    writer.closeMessage();
  }
  return writer.finish();
}

Deno.test("messages and their attributes are read back; of a repeated type the last one counts", () => {
  const read = [...messages(datagram())];
  assert.deepEqual(read.map(({ type, flags, sequence }) => [type, flags, sequence]), [
    [0x0a01, 4, 1],
    [0x0a01, 4, 2],
  ]);
  const attributes = messageAttributes(read[1]!);
  assert.equal(text(attributes, 1), "table-2");
  assert.equal(u32(nested(attributes, 2), 1), 2);
  assert.equal([...attributeList(attributes.get(2)!)].length, 2, "both are listed");
});

Deno.test("an absent attribute is empty text, undefined, or an empty nest", () => {
  const attributes = messageAttributes([...messages(datagram())][0]!);
  assert.equal(text(attributes, 9), "");
  assert.equal(u32(attributes, 9), undefined);
  assert.equal(nested(attributes, 9).size, 0);
});

Deno.test("lengths beyond the buffer are errors", () => {
  const bytes = datagram();
  assert.throws(() => [...messages(bytes.subarray(0, 30))], /netlink message of/);
  const [message] = messages(bytes);
  assert.throws(() => [...attributeList(message!.payload.subarray(4, 9))], /netlink attribute of/);
});
