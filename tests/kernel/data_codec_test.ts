// Keys and values as bytes and back, and the bounds of intervals.

import assert from "node:assert/strict";
import {
  addressAfter,
  addressBefore,
  intervalBounds,
  intervalKey,
  lastAddress,
  readConcatenation,
  writeConcatenation,
} from "../../src/kernel/data_codec.ts";
import { NetlinkWriter } from "../../src/kernel/netlink_writer.ts";
import type { DataType } from "../../src/nft/data_type.ts";

function bytesOf(types: readonly DataType[], text: string): Uint8Array {
  const writer = new NetlinkWriter();
  writeConcatenation(writer, types, text);
  return writer.finish();
}

Deno.test("a concatenation is read back as it was written; each part is padded to 4 bytes", () => {
  const cases: [DataType[], string, number][] = [
    [["ipv4_addr"], "10.96.0.1", 4],
    [["inet_service"], "8080", 2],
    [["ipv4_addr", "inet_proto", "inet_service", "slot"], "10.96.0.1 . sctp . 65535 . 4095", 16],
    [["ipv6_addr", "inet_proto", "inet_service"], "fd00:10:96::1 . udp . 53", 24],
    [["mark"], "0x00004000", 4],
  ];
  for (const [types, text, length] of cases) {
    const bytes = bytesOf(types, text);
    assert.equal(bytes.length, length, text);
    assert.equal(readConcatenation(types, bytes), text);
  }
});

Deno.test("intervalKey is the inverse of intervalBounds; other bounds have no key", () => {
  const cases: [DataType[], string, string, string][] = [
    [["ipv4_addr"], "10.0.0.0/8", "10.0.0.0", "10.255.255.255"],
    [["ipv4_addr"], "0.0.0.0/0", "0.0.0.0", "255.255.255.255"],
    [["ipv6_addr"], "fd00::/13", "fd00::", "fd07:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
    [["ipv4_addr", "inet_proto"], "10.1.2.4/30 . tcp", "10.1.2.4 . tcp", "10.1.2.7 . tcp"],
    [["ipv4_addr"], "10.0.0.1", "10.0.0.1", "10.0.0.1"],
  ];
  for (const [types, key, first, last] of cases) {
    assert.deepEqual(intervalBounds(types, key), [first, last]);
    assert.equal(intervalKey(types, first, last), key);
  }
  assert.equal(intervalKey(["ipv4_addr"], "10.0.0.1", "10.0.0.2"), undefined);
  assert.equal(intervalKey(["inet_service"], "1", "2"), undefined);
});

Deno.test("addresses have neighbours, but the last one has none after it", () => {
  assert.equal(addressAfter("ipv4_addr", "10.0.255.255"), "10.1.0.0");
  assert.equal(addressBefore("ipv6_addr", "fd00:0:0:1::"), "fd00::ffff:ffff:ffff:ffff");
  assert.equal(addressAfter("ipv4_addr", lastAddress("ipv4_addr")), undefined);
});
