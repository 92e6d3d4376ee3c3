// Sets, maps and elements in the bytes that the kernel lists, without a kernel: ours are read back, others are foreign, with a reason.

import assert from "node:assert/strict";
import { attributes } from "../../src/kernel/netlink_reader.ts";
import * as nf from "../../src/kernel/nf_tables.ts";
import { readElement, readIntervals, readSet, writeElement, writeSet } from "../../src/kernel/set_codec.ts";
import { canonicalKey, type Container, type Element } from "../../src/nft/ruleset.ts";
import { bytesOf, data, type Fields, outcomeOf, writeFields } from "../support/netlink_fields.ts";

const attributesOf = (fields: Fields) => attributes(bytesOf((writer) => writeFields(writer, fields)));

const CIDRS: Container = { kind: "set", name: "cidrs", key: ["ipv4_addr"], flag: "interval" };
const SOURCES: Container = {
  kind: "set",
  name: "sources",
  key: ["inet_proto", "inet_service", "ipv4_addr"],
  flag: "interval",
};
const PORTS: Container = { kind: "map", name: "ports", key: ["inet_service"], value: "verdict" };
const LEADS: Container = {
  kind: "map",
  name: "leads",
  key: ["ipv4_addr", "inet_proto", "inet_service"],
  value: ["ipv4_addr", "inet_service"],
  comment: "where frontends lead",
};
const SLOTS: Container = { kind: "map", name: "slots", key: ["inet_service", "slot"], value: ["ipv6_addr"] };

const COUNTED: Container = { ...SLOTS, name: "counted", counter: true };

const OURS: readonly (readonly [Container, Omit<Element, "key"> & { readonly key: string }])[] = [
  [CIDRS, { key: "10.96.0.0/12" }],
  [SOURCES, { key: "tcp . 80 . 10.0.0.0/8", comment: "shop/web" }],
  [PORTS, { key: "80", value: "goto pick-4" }],
  [LEADS, { key: "10.96.0.1 . udp . 53", value: "0.0.0.4 . 0", comment: "kube-system/dns:dns" }],
  [SLOTS, { key: "80 . 3", value: "fd00::7" }],
  [COUNTED, { key: "80 . 3", value: "fd00::7" }],
];

for (const [set, { key, ...rest }] of OURS) {
  Deno.test(`${set.kind} ${set.name} and its element are read back`, () => {
    const element = { key: canonicalKey(key), ...rest };
    assert.deepEqual(readSet(attributes(bytesOf((writer) => writeSet(writer, set, 1)))), set);
    const written = bytesOf((writer) => writeElement(writer, set, element, true));
    const listed = [...attributes(written).values()].map(attributes);
    if (set !== CIDRS) assert.deepEqual(readElement(set, listed[0]!), element);
    else assert.deepEqual(readIntervals(set, bounds([10, 96, 0, 0], [10, 112, 0, 0])), [element]);
  });
}

/** A plain interval as the kernel lists it: its first key, and the key after it as its end. */
function bounds(first: readonly number[], after: readonly number[]) {
  return [
    attributesOf({ [nf.NFTA_SET_ELEM.KEY]: data(...first) }),
    attributesOf({
      [nf.NFTA_SET_ELEM.KEY]: data(...after),
      [nf.NFTA_SET_ELEM.FLAGS]: nf.NFT_SET_ELEM_INTERVAL_END,
    }),
  ];
}

/** nft's numbers of types; in a concatenation six bits each. */
const [IPV4, PORT, IFNAME] = [7, 13, 41];
const VERDICT = 0xffffff00;
const SET_FLAG_INTERVAL = nf.SET_FLAG_BITS.interval;
const SETS: readonly (readonly [what: string, fields: Fields, reason: RegExp])[] = [
  ["nothing", {}, /unknown key type/],
  ["names of interfaces", { [nf.NFTA_SET.KEY_TYPE]: IFNAME, [nf.NFTA_SET.KEY_LEN]: 16 }, /unknown key type/],
  ["a key without a length", { [nf.NFTA_SET.KEY_TYPE]: IPV4 }, /keys of undefined bytes/],
  ["addresses of 2 bytes", { [nf.NFTA_SET.KEY_TYPE]: IPV4, [nf.NFTA_SET.KEY_LEN]: 2 }, /keys of 2 bytes/],
  ["intervals of ports", {
    [nf.NFTA_SET.KEY_TYPE]: PORT,
    [nf.NFTA_SET.KEY_LEN]: 2,
    [nf.NFTA_SET.FLAGS]: SET_FLAG_INTERVAL,
  }, /intervals of inet_service/],
  [
    "constants",
    { [nf.NFTA_SET.KEY_TYPE]: IPV4, [nf.NFTA_SET.KEY_LEN]: 4, [nf.NFTA_SET.FLAGS]: 2 },
    /flags 0x2/,
  ],
  ["values of no type", {
    [nf.NFTA_SET.KEY_TYPE]: IPV4,
    [nf.NFTA_SET.KEY_LEN]: 4,
    [nf.NFTA_SET.FLAGS]: nf.NFT_SET_MAP,
  }, /unknown value type/],
  ["values of another length", {
    [nf.NFTA_SET.KEY_TYPE]: IPV4,
    [nf.NFTA_SET.KEY_LEN]: 4,
    [nf.NFTA_SET.FLAGS]: nf.NFT_SET_MAP,
    [nf.NFTA_SET.DATA_TYPE]: IPV4,
    [nf.NFTA_SET.DATA_LEN]: 16,
  }, /values of 16 bytes/],
  ["intervals with verdicts", {
    [nf.NFTA_SET.KEY_TYPE]: IPV4,
    [nf.NFTA_SET.KEY_LEN]: 4,
    [nf.NFTA_SET.FLAGS]: nf.NFT_SET_MAP | SET_FLAG_INTERVAL,
    [nf.NFTA_SET.DATA_TYPE]: VERDICT,
  }, /has intervals/],
];

for (const [what, fields, reason] of SETS) {
  Deno.test(`a set of ${what} is foreign, with a reason`, () => {
    const found = outcomeOf(() => readSet(attributesOf(fields)));
    assert.equal(typeof found, "string", JSON.stringify(found));
    assert.match(String(found), reason);
  });
}

const PORT_80 = { [nf.NFTA_SET_ELEM.KEY]: data(0, 80) };
const verdict = (fields: Fields): Fields => ({
  ...PORT_80,
  [nf.NFTA_SET_ELEM.DATA]: { [nf.NFTA_DATA.VERDICT]: fields },
});
const FRONTEND = { [nf.NFTA_SET_ELEM.KEY]: data(10, 96, 0, 1, 6, 0, 0, 0, 0, 80, 0, 0) };
const ELEMENTS: readonly (readonly [what: string, set: Container, fields: Fields, reason: RegExp])[] = [
  ["the key *", PORTS, {}, /neither a key/],
  ["a key without a value", PORTS, { [nf.NFTA_SET_ELEM.KEY]: {} }, /neither a key/],
  ["a short key", LEADS, { [nf.NFTA_SET_ELEM.KEY]: data(10, 96, 0, 1) }, /neither a key/],
  ["a range", SOURCES, {
    [nf.NFTA_SET_ELEM.KEY]: data(6, 0, 0, 0, 0, 80, 0, 0, 10, 0, 0, 1),
    [nf.NFTA_SET_ELEM.KEY_END]: data(6, 0, 0, 0, 0, 80, 0, 0, 10, 0, 0, 2),
  }, /nor a prefix/],
  ["a short end", SOURCES, {
    [nf.NFTA_SET_ELEM.KEY]: data(6, 0, 0, 0, 0, 80, 0, 0, 10, 0, 0, 1),
    [nf.NFTA_SET_ELEM.KEY_END]: data(6),
  }, /nor a prefix/],
  ["no verdict", PORTS, PORT_80, /no verdict/],
  ["a value in place of a verdict", PORTS, { ...PORT_80, [nf.NFTA_SET_ELEM.DATA]: data(1) }, /no verdict/],
  ["a queue as the verdict", PORTS, verdict({ [nf.NFTA_VERDICT.CODE]: 3 }), /verdict code 3/],
  [
    "a jump without a chain",
    PORTS,
    verdict({ [nf.NFTA_VERDICT.CODE]: nf.VERDICT_CODE.jump }),
    /without a chain/,
  ],
  ["no value", LEADS, FRONTEND, /another kind of value/],
  [
    "a short value",
    LEADS,
    { ...FRONTEND, [nf.NFTA_SET_ELEM.DATA]: data(0, 0, 0, 4) },
    /another kind of value/,
  ],
];

for (const [what, set, fields, reason] of ELEMENTS) {
  Deno.test(`an element with ${what} is foreign, with a reason`, () => {
    const found = outcomeOf(() => readElement(set, attributesOf(fields)));
    assert.equal(typeof found, "string", JSON.stringify(found));
    assert.match(String(found), reason);
  });
}

Deno.test("intervals beside the element *, without an end, or of no prefix are foreign, with a reason", () => {
  const whole = bounds([10, 0, 0, 0], [11, 0, 0, 0]);
  const reasons = [
    [[...whole, attributesOf({})], /neither a key nor a prefix/],
    [[attributesOf({}), ...whole], /neither a key nor a prefix/],
    [[...whole, ...bounds([12, 0, 0, 0], [13, 0])], /neither a key nor a prefix/],
    [bounds([10, 0, 0, 0], [10, 0, 0, 3]), /no prefix/],
    [[whole[0]!, ...bounds([10, 1, 0, 0], [10, 2, 0, 0])], /without an end/],
  ] as const;
  for (const [listed, reason] of reasons) {
    assert.match(String(outcomeOf(() => readIntervals(CIDRS, listed))), reason);
  }
  assert.deepEqual(readIntervals(CIDRS, [...bounds([0, 0, 0, 0], [0, 0, 0, 0]).slice(1), ...whole]), [
    { key: canonicalKey("10.0.0.0/8") },
  ]);
});
