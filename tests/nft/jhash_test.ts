// The hash of the kernel: known values, and what a hash of a source is. tests/kernel/client_choice_test.ts compares it with packets.

import assert from "node:assert/strict";
import type { AddressHash } from "../../src/nft/statement.ts";
import { addressHash, jhash } from "../../src/nft/jhash.ts";

Deno.test("known values of lookup3, which jhash is on a little-endian machine", () => {
  const of = (text: string, seed: number) => jhash(new TextEncoder().encode(text), seed);
  // driver5 in lookup3.c (Bob Jenkins, May 2006, public domain).
  assert.equal(of("", 0), 0xdeadbeef);
  assert.equal(of("", 0xdeadbeef), 0xbd5b7dde);
  assert.equal(of("Four score and seven years ago", 0), 0x17770551);
  assert.equal(of("Four score and seven years ago", 1), 0xcd628161);
});

Deno.test("a hash of a source is in its range, evenly, and depends on the seed", () => {
  const hash = (seed: number, modulus: number, offset: number): AddressHash => ({
    ...{ kind: "address-hash", of: "ip saddr", seed, modulus, offset },
  });
  const seen = new Map<number, number>();
  let same = 0;
  for (let i = 0; i < 6000; i++) {
    const source = `10.244.${i >> 8}.${i & 255}`;
    const value = addressHash(hash(1, 3, 5), source);
    seen.set(value, (seen.get(value) ?? 0) + 1);
    if (value === addressHash(hash(2, 3, 5), source)) same++;
  }
  assert.deepEqual([...seen.keys()].sort(), [5, 6, 7]);
  // 2,000 each: six standard deviations are 219.
  for (const count of [...seen.values(), same]) assert.ok(Math.abs(count - 2000) < 219, `${count} of 6,000`);
  assert.equal(addressHash(hash(1, 1, 0), "fd00::1"), 0);
});
