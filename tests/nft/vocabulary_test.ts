// Validation: names, comments, elements and rules that nft cannot parse are rejected when they are made.

import assert from "node:assert/strict";
import { assertConcatenation, isCanonical } from "../../src/nft/data_type.ts";
import { assertElement, assertName, canonicalKey, type Container } from "../../src/nft/ruleset.ts";
import { assertComment, parseVerdict, rule, verdictText } from "../../src/nft/statement.ts";
import { ruleText } from "../../src/nft/text.ts";
import { worldStatements } from "../support/arbitrary_transaction.ts";

Deno.test("each data type has one canonical text", () => {
  const canonical = [
    ["ipv4_addr", "10.0.0.1"],
    ["ipv6_addr", "fd00::1"],
    ["inet_proto", "sctp"],
    ["inet_service", "65535"],
    ["mark", "0x00004000"],
    ["classid", "e400:30"],
    ["classid", "0:10"],
    ["classid", "none"],
    ["classid", "root"],
    ["slot", "65535"],
  ] as const;
  const sloppy = [
    ["ipv4_addr", "010.0.0.1"],
    ["ipv4_addr", "10.0.0.256"],
    ["ipv4_addr", "fd00::1"],
    ["ipv6_addr", "FD00::1"],
    ["ipv6_addr", "10.0.0.1"],
    ["inet_proto", "TCP"],
    ["inet_service", "65536"],
    ["inet_service", "080"],
    ["mark", "0x4000"],
    ["classid", "0:0"],
    ["classid", "ffff:ffff"],
    ["classid", "e400:030"],
    ["classid", "e400"],
    ["slot", "65536"],
    ["slot", "-1"],
  ] as const;
  for (const [type, text] of canonical) assert.ok(isCanonical(type, text), text);
  for (const [type, text] of sloppy) assert.ok(!isCanonical(type, text), text);
  assertConcatenation(["ipv4_addr", "inet_proto", "inet_service"], "10.0.0.1 . tcp . 80", "key");
  assert.throws(
    () => assertConcatenation(["ipv4_addr", "inet_proto"], "10.0.0.1 . tcp . 80", "key"),
    /key "10\.0\.0\.1 \. tcp \. 80"/,
  );
});

Deno.test("a name is one that nft can parse: no keyword, no space, not too long", () => {
  for (const name of ["service-ips", "pick-4096", "a", "x".repeat(255)]) assertName(name);
  for (const name of ["position", "chain", "4pick", "a b", "", "ä", 'a"', "x".repeat(256)]) {
    assert.throws(() => assertName(name), /not a name/);
  }
});

Deno.test("a comment has at most 127 bytes and no character that nft cannot quote", () => {
  assertComment("x".repeat(127));
  for (const comment of ["x".repeat(128), "ä".repeat(64), 'say "hi"', "line\nbreak", "back\\slash"]) {
    assert.throws(() => assertComment(comment));
  }
});

Deno.test("assertElement rejects elements that do not fit their container", () => {
  const map: Container = { kind: "map", name: "m", key: ["inet_service"], value: "verdict" };
  const set: Container = { kind: "set", name: "s", key: ["inet_service"] };
  const key = canonicalKey("80");
  assertElement(map, { key, value: "goto pick-1" });
  assertElement(set, { key });
  assert.throws(() => assertElement(map, { key }), /needs a value/);
  assert.throws(() => assertElement(set, { key, value: "drop" }), /has no values/);
  assert.throws(() => assertElement(map, { key, value: "fly" }), /not a verdict/);
  assert.throws(() => assertElement(set, { key: canonicalKey("x") }), /not a canonical/);
});

Deno.test("rule rejects an empty rule, mark bits and lengths out of range, a modulus of 0 and a seed of 0", () => {
  assert.throws(() => rule([]), /needs a statement/);
  assert.throws(() => rule([{ kind: "mark-set", operator: "|", bits: 0 }]), /mark bits/);
  assert.throws(() => rule([{ kind: "dnat", key: [{ kind: "numgen", modulus: 0 }], map: "m" }]), /modulus/);
  const prefix = (length: number) => ({ kind: "source-prefix", of: "ip saddr", length }) as const;
  for (const length of [0, 33]) {
    assert.throws(() => rule([{ kind: "lookup", key: [prefix(length)], set: "s" }]), /prefix of/);
  }
  const hash = { kind: "hash", of: ["ip saddr"], seed: 0 } as const;
  assert.throws(() => rule([{ kind: "daddr-set", key: [hash], map: "m" }]), /seed/);
  const address = { kind: "address-hash", of: "ip saddr", modulus: 0, seed: 1, offset: 0 } as const;
  assert.throws(() => rule([{ kind: "hash-match", hash: address, value: 0 }]), /modulus/);
  assert.throws(
    () => rule([{ kind: "hash-match", hash: { ...address, modulus: 1, seed: 0 }, value: 0 }]),
    /seed/,
  );
});

Deno.test("parseVerdict is the inverse of verdictText", () => {
  for (const text of ["accept", "drop", "return", "continue", "goto pick-4", "jump services"]) {
    assert.equal(verdictText(parseVerdict(text)), text);
  }
});

const SPELT = [
  "ip saddr 10.244.0.0/16 drop",
  "ip saddr != 10.240.0.0/13 meta mark set meta mark | 0x00004000",
  "ip daddr 192.0.2.1 return",
  "th dport 53 accept",
  "fib saddr type local meta mark set meta mark ^ 0x80000000",
  "fib daddr type != local drop",
  "ct state new jump two",
  "meta nftrace set 1",
  "ct status dnat goto three",
  "meta mark & 0x00004000 != 0x00000000 drop",
  "ip daddr @addresses goto one",
  "ip saddr . ip daddr . meta l4proto . th dport @pairs drop",
  "ip daddr . meta l4proto . th dport vmap @verdicts",
  "meta l4proto . th dport vmap @ports",
  "meta l4proto . th dport vmap @ports goto three",
  "meta priority set ip daddr . meta l4proto . th dport map @leads goto one",
  "meta priority e400:30 drop",
  "meta priority != none drop",
  "meta priority & c00:0 != 400:0 drop",
  "meta priority & 0:f0 == none meta priority vmap @ways",
  "meta priority set ip daddr . meta l4proto . th dport . numgen random mod 3 map @drawn-leads",
  "ip daddr set ip daddr . meta l4proto . th dport map @other-addresses",
  "ip daddr set ct original ip daddr",
  "ip daddr set ct original ip daddr meta mark set meta mark | 0x00004000",
  "dnat ip to ct original ip daddr . meta l4proto . th dport . numgen random mod 4 map @slots",
  "ct original ip daddr . meta l4proto . th dport vmap @verdicts drop",
  "ct original ip daddr @addresses drop",
  "update @pins { ct original ip saddr . ip saddr . meta l4proto . th dport timeout 1d2h3m4s : meta priority }",
  "update @pins { ct original ip saddr . ip saddr . meta l4proto . th dport timeout 1m : meta priority } return",
  "meta priority set ct original ip saddr . ip saddr . meta l4proto . th dport map @pins " +
  "delete @pins { ct original ip saddr . ip saddr . meta l4proto . th dport : meta priority }",
  "update @old-pins { ct original ip saddr . ip saddr . meta l4proto . th dport timeout 1m : ip daddr } return",
  "ip daddr set ct original ip saddr . ip saddr . meta l4proto . th dport map @old-pins " +
  "delete @old-pins { ct original ip saddr . ip saddr . meta l4proto . th dport : ip daddr }",
  "ip daddr set ct original ip saddr . ip saddr . meta l4proto . th dport map @old-pins " +
  "ip saddr . meta l4proto . th dport . ip daddr @sources return",
  "ip daddr set ip saddr . meta l4proto . th dport . numgen random mod 4 map @numbers return",
  "ip saddr set ct original ip daddr . meta l4proto . th dport map @other-addresses return",
  "ip saddr set ip saddr . meta l4proto . th dport map @other-addresses ip saddr . meta l4proto . th dport vmap @verdicts",
  "ip saddr set ct original ip saddr",
  "th dport set meta l4proto . th dport map @other-ports",
  "dnat ip to ip daddr . meta l4proto . th dport . meta priority map @numbered",
  "jhash ip saddr mod 2 seed 0x9e37 1 " +
  "dnat ip to ct original ip daddr . meta l4proto . th dport . jhash ip saddr mod 2 seed 0x2 offset 2 map @slots",
  "jhash ip saddr mod 8 seed 0x3 offset 5 12 return",
  "dnat ip to meta l4proto . th dport . jhash ip saddr mod 1 seed 0x4 map @port-slots",
  "ip daddr . meta l4proto . th dport . ip saddr & 128.0.0.0 . meta mark & 0x00000001 | 0x00000001 @prefixes return",
  "ip daddr . meta l4proto . th dport . ip saddr & 255.255.254.0 . meta mark & 0x00000017 | 0x00000017 @prefixes return",
  "ip daddr . meta l4proto . th dport . ip saddr & 255.255.255.0 . meta mark & 0x00000018 | 0x00000018 @prefixes return",
  "ip daddr . meta l4proto . th dport . ip saddr . meta mark & 0x00000020 | 0x00000020 @prefixes return",
  "dnat ip to ip daddr . meta l4proto . th dport . numgen random mod 4 map @slots",
  'iifname "cbr0" drop',
  'iifname != "veth*" drop',
  "ip saddr @seen drop",
  "ip daddr . meta l4proto . th dport . ip saddr @sources drop",
  "dnat ip to meta l4proto . th dport . numgen random mod 1 map @port-slots",
];

Deno.test("every statement has its spelling in nft", () => {
  const spelt = worldStatements("ip").map((statements) => ruleText("ip", { statements }));
  assert.deepEqual(spelt, SPELT);
  assert.equal(
    ruleText("ip6", rule([{ kind: "reject", with: "tcp-reset" }], "why")),
    'reject with tcp reset comment "why"',
  );
  const hash = { kind: "hash", of: ["ct original ip6 saddr", "th dport"], seed: 255 } as const;
  assert.equal(
    ruleText("ip6", rule([{ kind: "unpin", key: [hash, hash], map: "pins" }])),
    "delete @pins { jhash ct original ip6 saddr . th dport mod 4294967295 seed 0xff . " +
      "jhash ct original ip6 saddr . th dport mod 4294967295 seed 0xff : meta priority }",
  );
});
