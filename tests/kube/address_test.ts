// Addresses and blocks as objects spell them, and their one canonical form.

import assert from "node:assert/strict";
import fc from "fast-check";
import {
  cidrText,
  contains,
  disjoint,
  familyOf,
  firstAfter,
  parseAddress,
  parseCidr,
} from "../../src/kube/address.ts";
import { ipv6Bytes, ipv6Text } from "../../src/nft/address_bytes.ts";
import { isCanonical } from "../../src/nft/data_type.ts";

Deno.test("addresses are read as leniently as kube-proxy reads them and written in one form", () => {
  const cases: Record<string, string | undefined> = {
    "10.0.0.1": "10.0.0.1",
    "172.30.0.041": "172.30.0.41",
    "010.0.0.001": "10.0.0.1",
    " 10.0.0.1 ": "10.0.0.1",
    "256.0.0.1": undefined,
    "10.0.0": undefined,
    "10.0.0.1.2": undefined,
    "FD00:0:0::0001": "fd00::1",
    "::ffff:10.0.0.1": "10.0.0.1",
    "fe80::1%eth0": undefined,
    "fd00::1::2": undefined,
    "web.example.com": undefined,
    "": undefined,
  };
  for (const [text, expected] of Object.entries(cases)) assert.equal(parseAddress(text), expected, text);
});

Deno.test("every IPv6 address comes back from its bytes in the form it is parsed to", () => {
  const group = fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, {
    weight: 1,
    arbitrary: fc.integer({ min: 0, max: 0xffff }),
  });
  fc.assert(fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
    const canonical = parseAddress(
      groups.map((g) => g.toString(16).padStart(4, "0").toUpperCase()).join(":"),
    )!;
    if (familyOf(canonical) === "ip") return;
    assert.ok(isCanonical("ipv6_addr", canonical));
    assert.equal(ipv6Text(ipv6Bytes(canonical)), canonical);
    assert.deepEqual(
      [...new Uint16Array(ipv6Bytes(canonical).buffer)].map((g) => ((g & 0xff) << 8) | (g >> 8)),
      groups,
    );
  }));
});

Deno.test("a block is written without host bits", () => {
  const cases: Record<string, string | undefined> = {
    "203.0.113.000/025": "203.0.113.0/25",
    "10.1.2.3/8": "10.0.0.0/8",
    "10.1.2.3/0": "0.0.0.0/0",
    "255.255.255.255/31": "255.255.255.254/31",
    "fd00:1:2:3::4/48": "fd00:1:2::/48",
    "::ffff:192.0.2.77/120": "192.0.2.0/24",
    "::ffff:192.0.2.77/128": "192.0.2.77",
    "::ffff:192.0.2.77/96": "0.0.0.0/0",
    "::ffff:192.0.2.77/24": "::/24",
    "::ffff:192.0.2.77/129": undefined,
    "10.0.0.0/33": undefined,
    "10.0.0.0": undefined,
    "10.0.0.0/8/8": undefined,
    "x/8": undefined,
  };
  for (const [text, expected] of Object.entries(cases)) {
    const cidr = parseCidr(text);
    assert.equal(cidr === undefined ? undefined : cidrText(cidr), expected, text);
  }
});

Deno.test("disjoint blocks cover the same addresses, in order", () => {
  const blocks = (...texts: string[]) => disjoint(texts.map((text) => parseCidr(text)!)).map(cidrText);
  assert.deepEqual(blocks("10.1.0.0/16", "10.0.0.0/8", "fd00::/8", "10.0.0.0/8"), ["10.0.0.0/8", "fd00::/8"]);
  assert.deepEqual(blocks("10.0.0.1/32", "10.0.0.0/32"), ["10.0.0.0", "10.0.0.1"]);
});

Deno.test("a block contains addresses of its own family alone", () => {
  const block = parseCidr("0.0.0.0/0")!;
  assert.ok(contains(block, parseAddress("192.0.2.1")!));
  assert.ok(!contains(block, parseAddress("fd00::1")!));
});

Deno.test("after the last address of a block comes the next one, unless there is none", () => {
  const cases: Record<string, string> = {
    "10.0.0.0/8": "11.0.0.0",
    "10.0.0.7/32": "10.0.0.8",
    "10.255.255.255/32": "11.0.0.0",
    "255.0.0.0/8": "",
    "0.0.0.0/0": "",
    "fd00::/64": "fd00:0:0:1::",
    "fd00::ffff/128": "fd00::1:0",
    "::/0": "",
  };
  for (const [block, next] of Object.entries(cases)) {
    assert.equal(firstAfter(parseCidr(block)!).join(), next, block);
  }
});
