// Rules in the bytes that the kernel lists, without a kernel: ours are read back, and every other rule is foreign, with a reason.

import assert from "node:assert/strict";
import { attributes } from "../../src/kernel/netlink_reader.ts";
import * as nf from "../../src/kernel/nf_tables.ts";
import { readRule } from "../../src/kernel/rule_decoder.ts";
import { writeRule } from "../../src/kernel/rule_encoder.ts";
import type { Family } from "../../src/nft/data_type.ts";
import { parseVerdict, type Rule, type Statement } from "../../src/nft/statement.ts";
import { bytesOf, data, type Fields, outcomeOf, writeFields } from "../support/netlink_fields.ts";

/** An expression: its name, and its attributes. */
type Expression = readonly [name: string, fields: Fields];

/** What `readRule` returns for a rule of `expressions`, or the text of what it throws. */
function read(family: Family, ...expressions: readonly Expression[]) {
  const rule = bytesOf((writer) => {
    const list = writer.openNest(nf.NFTA_RULE.EXPRESSIONS);
    for (const [name, fields] of expressions) {
      const element = writer.openNest(nf.NFTA_LIST_ELEM);
      if (name !== "") writer.attributeString(nf.NFTA_EXPR.NAME, name);
      writeFields(writer, { [nf.NFTA_EXPR.DATA]: fields });
      writer.close(element);
    }
    writer.close(list);
  });
  return outcomeOf(() => readRule(family, attributes(rule)));
}

const key = ["ip daddr", "meta l4proto", "th dport"] as const;
const sourceHash = (modulus: number, offset: number) =>
  ({ kind: "address-hash", of: "ip saddr", modulus, seed: 7, offset }) as const;
const STATEMENTS: readonly (readonly Statement[])[] = [
  [{ kind: "match", selector: "ip saddr", operator: "!=", value: "10.244.0.0/16" }, { kind: "masquerade" }],
  [{ kind: "match", selector: "ip saddr", operator: "==", value: "10.244.0.0/13" }],
  [{ kind: "match", selector: "ip daddr", operator: "==", value: "0.0.0.0/0" }],
  [{ kind: "match", selector: "ip daddr", operator: "==", value: "10.96.0.1" }],
  [{ kind: "match", selector: "meta l4proto", operator: "==", value: "tcp" }],
  [{ kind: "match", selector: "th dport", operator: "==", value: "8080" }],
  [{ kind: "match", selector: "iifname", operator: "==", value: "veth*" }],
  [{ kind: "match", selector: "iifname", operator: "!=", value: "lo" }],
  [{ kind: "match", selector: "fib daddr type", operator: "==", value: "local" }],
  [{ kind: "lookup", key, set: "firewall-ips" }, { kind: "reject", with: "port-unreachable" }],
  [{ kind: "vmap", key, map: "ports" }, { kind: "reject", with: "tcp-reset" }],
  [{ kind: "mark-set", operator: "|", bits: 0x4000 }, { kind: "mark-set", operator: "^", bits: 0x4000 }],
  [{ kind: "mark-test", bits: 0x4000 }, { kind: "ct-state-new" }, { kind: "ct-status-dnat" }],
  [{ kind: "match", selector: "meta priority", operator: "==", value: "e400:30" }],
  [{ kind: "priority-test", mask: "c00:0", operator: "!=", value: "400:0" }],
  [{ kind: "priority-test", mask: "0:f0", operator: "==", value: "none" }],
  [{ kind: "priority-set", key: [...key, { kind: "numgen", modulus: 4 }], map: "numbers" }],
  [{ kind: "pin", key: ["ip saddr", "th dport"], map: "pins", timeoutSeconds: 60, data: "daddr" }],
  [{ kind: "nftrace" }, { kind: "daddr-restore" }, { kind: "saddr-restore" }],
  [{ kind: "daddr-set", key: [...key, { kind: "numgen", modulus: 4 }], map: "endpoints" }],
  [{ kind: "saddr-set", key: ["ip saddr"], map: "from" }, {
    kind: "dport-set",
    key: ["ip daddr"],
    map: "to",
  }],
  [{
    kind: "pin",
    key: [1, 2].map((seed) => ({ kind: "hash", of: ["ip saddr", "ip daddr"], seed })),
    map: "pins",
    timeoutSeconds: 10_800,
  }],
  [{ kind: "unpin", key: ["ip saddr", "th dport"], map: "pins" }],
  [
    { kind: "hash-match", hash: sourceHash(2, 0), value: 1 },
    { kind: "daddr-set", key: [...key, sourceHash(4, 4)], map: "endpoints" },
  ],
  [{ kind: "lookup", key: [...key, { kind: "source-prefix", of: "ip saddr", length: 20 }], set: "ranges" }],
  [{ kind: "lookup", key: [...key, { kind: "source-prefix", of: "ip saddr", length: 32 }], set: "ranges" }],
  ...["accept", "drop", "return", "continue", "goto pick-4", "jump services"].map((text): Statement[] => [
    { kind: "verdict", verdict: parseVerdict(text) },
  ]),
];

for (const statements of STATEMENTS) {
  Deno.test(`a rule of ${statements.map(({ kind }) => kind).join(", ")} is read back`, () => {
    const rule = { statements, comment: `of ${statements.length}` };
    const written = bytesOf((writer) => writeRule(writer, "ip", rule));
    assert.deepEqual(readRule("ip", attributes(written)), rule);
  });
}

const [DADDR, DPORT] = [16, 2];
const REGISTER = { [nf.NFTA_CMP.SREG]: nf.NFT_REG_1 };
const load = (base: number, offset: number, length: number): Expression => ["payload", {
  [nf.NFTA_PAYLOAD.DREG]: nf.NFT_REG_1,
  [nf.NFTA_PAYLOAD.BASE]: base,
  [nf.NFTA_PAYLOAD.OFFSET]: offset,
  [nf.NFTA_PAYLOAD.LEN]: length,
}];
const network = (offset: number, length: number) => load(nf.NFT_PAYLOAD_NETWORK_HEADER, offset, length);
const equal = (...bytes: number[]): Expression => ["cmp", {
  ...REGISTER,
  [nf.NFTA_CMP.OP]: nf.NFT_CMP_EQ,
  [nf.NFTA_CMP.DATA]: data(...bytes),
}];
const mask = (...bytes: number[]): Expression => ["bitwise", {
  [nf.NFTA_BITWISE.SREG]: nf.NFT_REG_1,
  [nf.NFTA_BITWISE.DREG]: nf.NFT_REG_1,
  [nf.NFTA_BITWISE.LEN]: bytes.length,
  [nf.NFTA_BITWISE.MASK]: data(...bytes),
  [nf.NFTA_BITWISE.XOR]: data(...bytes.map(() => 0)),
}];
const lookup: Expression = ["lookup", {
  [nf.NFTA_LOOKUP.SREG]: nf.NFT_REG_1,
  [nf.NFTA_LOOKUP.SET]: new TextEncoder().encode("cluster-ips\0"),
}];
const verdict = (fields: Fields): Expression => ["immediate", {
  [nf.NFTA_IMMEDIATE.DREG]: nf.NFT_REG_VERDICT,
  [nf.NFTA_IMMEDIATE.DATA]: { [nf.NFTA_DATA.VERDICT]: fields },
}];
const hash = (fields: Fields): Expression => ["hash", fields];
const MODULUS = { [nf.NFTA_HASH.MODULUS]: 4_294_967_295 };
const accept = verdict({ [nf.NFTA_VERDICT.CODE]: nf.VERDICT_CODE.accept });

const FOREIGN: readonly (readonly [what: string, rule: readonly Expression[], reason: RegExp])[] = [
  ["no expression", [], /without expressions/],
  ["an expression without a name", [["", {}]], /rule of : /],
  ["two fields of a header", [network(12, 8), equal(1, 2, 3, 4, 5, 6, 7, 8)], /ip saddr with 8 bytes/],
  ["five bytes of a port", [
    load(nf.NFT_PAYLOAD_TRANSPORT_HEADER, DPORT, 5),
    equal(1, 2, 3, 4, 5),
  ], /payload with another attribute/],
  ["a field that we never compare", [network(6, 1), equal(64)], /payload base 1 offset 6/],
  [
    "a load without a length",
    [["payload", { [nf.NFTA_PAYLOAD.BASE]: 1, [nf.NFTA_PAYLOAD.OFFSET]: DADDR }]],
    /no number/,
  ],
  ["a load at the end", [network(DADDR, 4)], /ends with a load/],
  ["a comparison of nothing", [equal(1)], /cmp/],
  ["a comparison without a constant", [network(DADDR, 4), ["cmp", REGISTER]], /no data in attribute/],
  ["a comparison of another register", [network(DADDR, 4), ["cmp", {
    ...equal(10, 0, 0, 1)[1],
    ...{ [nf.NFTA_CMP.SREG]: nf.NFT_REG_1 + 1 },
  }]], /cmp with another attribute/],
  ["an empty constant", [network(DADDR, 4), equal()], /it is payload, bitwise, cmp/],
  [
    "a mask of whole bytes",
    [network(DADDR, 4), mask(255, 0, 0, 0), equal(10, 0, 0, 0)],
    /it is payload, cmp/,
  ],
  ["a mask that is no prefix", [network(DADDR, 4), mask(255, 0, 255, 0), equal(10, 0, 1, 0)], /no prefix/],
  ["a mask longer than an address", [network(DADDR, 4), mask(255, 255, 255, 255, 0), equal(10)], /:/],
  ["a shift", [network(DADDR, 4), ["bitwise", { [nf.NFTA_BITWISE.OP]: 1 }], equal(10)], /no data/],
  ["a lookup of nothing", [lookup], /lookup/],
  ["a queue as the verdict", [verdict({ [nf.NFTA_VERDICT.CODE]: 3 })], /verdict code 3/],
  ["a break as the verdict", [verdict({ [nf.NFTA_VERDICT.CODE]: -2 })], /verdict code -2/],
  ["a verdict without a code", [verdict({})], /no verdict/],
  ["a constant in place of a verdict", [["immediate", { [nf.NFTA_IMMEDIATE.DATA]: data(1) }]], /no verdict/],
  [
    "a goto without a chain",
    [verdict({ [nf.NFTA_VERDICT.CODE]: nf.VERDICT_CODE.goto })],
    /goto without a chain/,
  ],
  ["a hash whose seed the kernel drew", [network(DADDR, 4), hash(MODULUS), lookup], /no number/],
  [
    "a hash with a small modulus",
    [network(DADDR, 4), hash({ [nf.NFTA_HASH.MODULUS]: 4 }), lookup],
    /modulus/,
  ],
  ["a numgen without a modulus", [["numgen", {}], lookup], /no number/],
  ["a key of meta", [["meta", { [nf.NFTA_META.KEY]: 10 }], equal(0, 0, 0, 0)], /meta key 10/],
  ["a meta without a key", [["meta", {}], equal(0)], /meta key undefined/],
  ["a key of ct", [["ct", { [nf.NFTA_CT.KEY]: 12 }], equal(0)], /ct key 12/],
  [
    "a type of address",
    [["fib", { [nf.NFTA_FIB.FLAGS]: nf.NFTA_FIB_F_DADDR }], equal(1, 0, 0, 0)],
    /address type 1/,
  ],
  ["a pin with a short timeout", [network(12, 4), network(DADDR, 4), ["dynset", {
    [nf.NFTA_DYNSET.SREG_DATA]: nf.NFT_REG_1 + 1,
    [nf.NFTA_DYNSET.OP]: nf.NFT_DYNSET_OP_UPDATE,
    [nf.NFTA_DYNSET.TIMEOUT]: Uint8Array.of(0, 0, 0, 9),
  }]], /without a timeout/],
  [
    "an xtables match",
    [["match", { 1: new TextEncoder().encode("comment\0"), 3: Uint8Array.of(1) }]],
    /match/,
  ],
  ["a counter before a verdict", [["counter", {}], accept], /counter/],
];

for (const [what, expressions, reason] of FOREIGN) {
  Deno.test(`a rule with ${what} is foreign, with a reason`, () => {
    for (const family of ["ip", "ip6"] as const) {
      const found = read(family, ...expressions);
      assert.equal(typeof found, "string", JSON.stringify(found));
      assert.doesNotMatch(String(found), /^threw/);
      if (family === "ip") assert.match(String(found), reason);
    }
  });
}

Deno.test("loads and constants of every length are read, or are foreign", () => {
  const whole = [network(DADDR, 4), mask(255, 248, 0, 0), equal(10, 240, 0, 0), accept];
  const [match] = (read("ip", ...whole) as Rule).statements;
  assert.deepEqual(match, { kind: "match", selector: "ip daddr", operator: "==", value: "10.240.0.0/13" });
  for (let length = 0; length <= 20; length++) {
    const constant = Array.from({ length }, () => 255);
    for (const offset of [12, DADDR, 8, 24]) {
      for (const expressions of [[equal(...constant)], [mask(...constant), equal(...constant)]]) {
        for (const family of ["ip", "ip6"] as const) {
          const found = read(family, network(offset, length), ...expressions);
          assert.doesNotMatch(String(found), /^threw/, `${family} ${offset} ${length}`);
        }
      }
    }
  }
});

Deno.test("a comment in user data that another program wrote is read as far as it is one", () => {
  const withData = (...userData: number[]) =>
    outcomeOf(() => {
      const written = bytesOf((writer) => {
        writeRule(writer, "ip", { statements: [{ kind: "masquerade" }] });
        writeFields(writer, { [nf.NFTA_RULE.USERDATA]: Uint8Array.from(userData) });
      });
      return readRule("ip", attributes(written));
    });
  const statements = [{ kind: "masquerade" }];
  assert.deepEqual(withData(), { statements });
  assert.deepEqual(withData(0), { statements });
  assert.deepEqual(withData(0, 9, 104, 105), { statements, comment: "hi" }, "shorter than it says");
  assert.deepEqual(
    withData(7, 1, 1, 0, 3, 104, 105, 0),
    { statements, comment: "hi" },
    "behind another entry",
  );
});
