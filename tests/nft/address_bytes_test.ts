// Addresses as bytes, in network order.

import assert from "node:assert/strict";
import fc from "fast-check";
import { contains, parseAddress, parseCidr } from "../../src/kube/address.ts";
import {
  addressBytes,
  addressOfBytes,
  ipv4Number,
  ipv6Bytes,
  ipv6Text,
  maskedAddress,
} from "../../src/nft/address_bytes.ts";

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

Deno.test("the text of an IPv6 address is that of RFC 5952, and is read back", () => {
  const spelt: [number[], string][] = [
    [[0, 0, 0, 0, 0, 0, 0, 0], "::"],
    [[0, 0, 0, 0, 0, 0, 0, 1], "::1"],
    [[0xfd00, 0, 0, 1, 0, 0, 0, 1], "fd00:0:0:1::1"],
    [[0x2001, 0xdb8, 0, 1, 1, 1, 1, 1], "2001:db8:0:1:1:1:1:1"],
    [[1, 0, 0, 2, 0, 0, 3, 4], "1::2:0:0:3:4"],
  ];
  for (const [groups, text] of spelt) {
    const bytes = Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 255]));
    assert.equal(ipv6Text(bytes), text);
    assert.deepEqual(ipv6Bytes(text), bytes);
  }
  fc.assert(fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
    assert.deepEqual([...ipv6Bytes(ipv6Text(bytes))], [...bytes]);
  }));
});

Deno.test("the network of an address is the block of that length which holds it", () => {
  const bytes = fc.oneof(
    fc.uint8Array({ minLength: 4, maxLength: 4 }),
    fc.uint8Array({ minLength: 16, maxLength: 16 }),
  );
  fc.assert(fc.property(bytes, fc.nat(128), (bytes, any) => {
    const address = addressOfBytes(bytes);
    const length = any % (8 * bytes.length + 1);
    const network = maskedAddress(address, length);
    const block = parseCidr(`${network}/${length}`)!;
    if (parseAddress(address) !== address) return; // An IPv4-mapped address is one of IPv4 for the other functions.
    assert.equal(block.address, network);
    assert.ok(contains(block, address));
  }));
});
