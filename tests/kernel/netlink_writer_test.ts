// Netlink messages as bytes: lengths, padding and limits.

import assert from "node:assert/strict";
import { NetlinkWriter } from "../../src/kernel/netlink_writer.ts";

Deno.test("lengths are written when a message and a nest are closed; attributes are padded to 4 bytes", () => {
  const writer = new NetlinkWriter();
  writer.openMessage(0x0a00, 1, 7, 2, 10);
  const nest = writer.openNest(3);
  writer.attributeString(1, "ab");
  writer.close(nest);
  writer.closeMessage();
  const header = [32, 0, 0, 0, 0, 10, 1, 0, 7, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 10];
  assert.deepEqual([...writer.finish()], [...header, 12, 0, 3, 0x80, 7, 0, 1, 0, 0x61, 0x62, 0, 0]);
});

Deno.test("the buffer grows, and text that is not ASCII is UTF-8", () => {
  const writer = new NetlinkWriter();
  const text = "a".repeat(5000) + "ä€";
  writer.text(text);
  assert.equal(new TextDecoder().decode(writer.finish()), text);
});

Deno.test("an attribute of more than 65,535 bytes and two open messages are errors", () => {
  const writer = new NetlinkWriter();
  const token = writer.openBytes(1);
  writer.bytes(new Uint8Array(0x10000));
  assert.throws(() => writer.close(token), /at most 65535/);
  writer.openMessage(0, 0, 1, 0);
  assert.throws(() => writer.openMessage(0, 0, 2, 0), /already open/);
  assert.throws(() => writer.finish(), /still open/);
});
