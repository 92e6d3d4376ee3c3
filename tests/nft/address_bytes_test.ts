// Addresses as bytes, in network order.

import assert from "node:assert/strict";
import { addressBytes, ipv4Number, ipv6Bytes } from "../../src/nft/address_bytes.ts";

Deno.test("an IPv4 address has four bytes, the first of which is the highest of its number", () => {
  assert.deepEqual([...addressBytes("10.96.0.255")], [10, 96, 0, 255]);
  assert.equal(ipv4Number("10.96.0.255"), 0x0a6000ff);
  assert.equal(ipv4Number("255.255.255.255"), 0xffff_ffff);
});

Deno.test("an IPv6 address has sixteen bytes, whatever its text leaves out", () => {
  const tail = (...bytes: number[]) => [...new Array<number>(16 - bytes.length).fill(0), ...bytes];
  assert.deepEqual([...addressBytes("::1")], tail(1));
  assert.deepEqual([...addressBytes("::")], tail());
  assert.deepEqual([...ipv6Bytes("fd00:96::a:1")], [0xfd, 0, 0, 0x96, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 0, 1]);
});
