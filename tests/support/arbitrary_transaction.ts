// Random transactions over few names, so that they often refer to each other and clash.

import fc from "fast-check";
import type { DataType, Family } from "../../src/nft/data_type.ts";
import { type Chain, type Container, type Element, type ElementKey, setPath } from "../../src/nft/ruleset.ts";
import type { Rule, Statement } from "../../src/nft/statement.ts";
import type { Operation, Transaction } from "../../src/nft/transaction.ts";

const CHAINS = ["one", "two", "three"];
const BASE: Omit<Chain, "rules"> = {
  name: "base",
  hook: { type: "nat", hook: "prerouting", priority: -100 },
};
const family = fc.constantFrom<Family>("ip", "ip6");

const ADDRESS = { ip: ["10.0.0.1", "10.0.0.2"], ip6: ["fd00::1", "fd00:0:0:1::2"] };

/** Prefixes that do not overlap. */
const SOURCES = {
  ip: ["10.0.0.0/9", "192.0.2.0/25", "198.51.100.7"],
  ip6: ["fd00::/61", "2001:db8::/32", "2001:db9::7"],
};

/** Prefixes at both ends of the range, next to each other, and single addresses. */
const NETWORKS: Readonly<Record<Family, readonly string[]>> = {
  ip: ["0.0.0.0/8", "10.0.0.0/9", "10.128.0.0/9", "192.0.2.7", "192.0.2.8", "224.0.0.0/3"],
  ip6: ["::/16", "fd00::/61", "fd00:0:0:8::/61", "2001:db8::7", "2001:db8::8", "ff00::/8"],
};

/** The sets that transactions use, by name. */
export function worldSets(family: Family): Container[] {
  const address = family === "ip" ? "ipv4_addr" : "ipv6_addr";
  return [
    { kind: "set", name: "addresses", key: [address], comment: "a set" },
    { kind: "set", name: "marks", key: ["mark"] },
    { kind: "set", name: "pairs", key: [address, address, "inet_proto", "inet_service"] },
    {
      kind: "set",
      name: "sources",
      key: [address, "inet_proto", "inet_service", address],
      flag: "interval",
      comment: "a set of intervals",
    },
    {
      kind: "set",
      name: "prefixes",
      key: [address, "inet_proto", "inet_service", address, "mark"],
    },
    { kind: "set", name: "networks", key: [address], flag: "interval" },
    { kind: "set", name: "seen", key: [address], flag: "dynamic" },
    ...pinMaps(family, address),
    { kind: "map", name: "verdicts", key: [address, "inet_proto", "inet_service"], value: "verdict" },
    ...priorityMaps(address),
    {
      kind: "map",
      name: "other-addresses",
      key: [address, "inet_proto", "inet_service"],
      value: [address],
      comment: "addresses by frontend",
    },
    { kind: "map", name: "ports", key: ["inet_proto", "inet_service"], value: "verdict", counter: true },
    { kind: "map", name: "other-ports", key: ["inet_proto", "inet_service"], value: ["inet_service"] },
    { kind: "map", name: "numbers", key: [address, "inet_proto", "inet_service", "slot"], value: [address] },
    {
      kind: "map",
      name: "numbered",
      key: [address, "inet_proto", "inet_service", "classid"],
      value: [address, "inet_service"],
    },
    {
      kind: "map",
      name: "slots",
      key: [address, "inet_proto", "inet_service", "slot"],
      value: [address, "inet_service"],
      counter: true,
      comment: "slots",
    },
    {
      kind: "map",
      name: "port-slots",
      key: ["inet_proto", "inet_service", "slot"],
      value: [address, "inet_service"],
    },
  ];
}

function pinMaps(family: Family, address: DataType): Container[] {
  return [
    {
      kind: "map",
      name: "pins",
      key: family === "ip" ? [address, address, "inet_proto", "inet_service"] : ["slot", "slot"],
      value: ["classid"],
      flag: "dynamic",
      size: 1000,
      comment: "clients",
    },
    {
      kind: "map",
      name: "old-pins",
      key: family === "ip" ? [address, address, "inet_proto", "inet_service"] : ["slot", "slot"],
      value: [address],
      flag: "dynamic",
      size: 1000,
    },
  ];
}

function priorityMaps(address: DataType): Container[] {
  return [
    { kind: "map", name: "ways", key: ["classid"], value: "verdict" },
    { kind: "map", name: "leads", key: [address, "inet_proto", "inet_service"], value: ["classid"] },
    {
      kind: "map",
      name: "drawn-leads",
      key: [address, "inet_proto", "inet_service", "slot"],
      value: ["classid"],
    },
  ];
}

/** Every kind of statement that a chain reachable from any hook may have, and those for nat chains. */
export function worldStatements(family: Family): Statement[][] {
  const source = family === "ip" ? "ip saddr" : "ip6 saddr";
  const destination = family === "ip" ? "ip daddr" : "ip6 daddr";
  const [whole, odd, host] = family === "ip"
    ? ["10.244.0.0/16", "10.240.0.0/13", "192.0.2.1"]
    : ["fd00::/64", "fd00::/61", "2001:db8::1"];
  const drop: Statement = { kind: "verdict", verdict: { kind: "drop" } };
  return [
    [{ kind: "match", selector: source, operator: "==", value: whole }, drop],
    [{ kind: "match", selector: source, operator: "!=", value: odd }, {
      kind: "mark-set",
      operator: "|",
      bits: 0x4000,
    }],
    [{ kind: "match", selector: destination, operator: "==", value: host }, {
      kind: "verdict",
      verdict: { kind: "return" },
    }],
    [{ kind: "match", selector: "th dport", operator: "==", value: "53" }, {
      kind: "verdict",
      verdict: { kind: "accept" },
    }],
    [{ kind: "match", selector: "fib saddr type", operator: "==", value: "local" }, {
      kind: "mark-set",
      operator: "^",
      bits: 0x80000000,
    }],
    [{ kind: "match", selector: "fib daddr type", operator: "!=", value: "local" }, drop],
    [{ kind: "ct-state-new" }, { kind: "verdict", verdict: { kind: "jump", chain: "two" } }],
    [{ kind: "nftrace" }],
    [{ kind: "ct-status-dnat" }, { kind: "verdict", verdict: { kind: "goto", chain: "three" } }],
    [{ kind: "mark-test", bits: 0x4000 }, drop],
    [{ kind: "lookup", key: [destination], set: "addresses" }, {
      kind: "verdict",
      verdict: { kind: "goto", chain: "one" },
    }],
    [{ kind: "lookup", key: [source, destination, "meta l4proto", "th dport"], set: "pairs" }, drop],
    [{ kind: "vmap", key: [destination, "meta l4proto", "th dport"], map: "verdicts" }],
    [{ kind: "vmap", key: ["meta l4proto", "th dport"], map: "ports" }],
    ...leadStatements(family),
    ...pinStatements(family),
    ...hashStatements(family),
    ...prefixStatements(family),
    [{
      kind: "dnat",
      key: [destination, "meta l4proto", "th dport", { kind: "numgen", modulus: 4 }],
      map: "slots",
    }],
    [{ kind: "match", selector: "iifname", operator: "==", value: "cbr0" }, drop],
    [{ kind: "match", selector: "iifname", operator: "!=", value: "veth*" }, drop],
    [{ kind: "lookup", key: [source], set: "seen" }, drop],
    [{ kind: "lookup", key: [destination, "meta l4proto", "th dport", source], set: "sources" }, drop],
    [{ kind: "dnat", key: ["meta l4proto", "th dport", { kind: "numgen", modulus: 1 }], map: "port-slots" }],
  ];
}

/** Statements that write or read the priority. */
function priorityStatements(family: Family): Statement[][] {
  const destination = family === "ip" ? "ip daddr" : "ip6 daddr" as const;
  const drop: Statement = { kind: "verdict", verdict: { kind: "drop" } };
  return [
    [{ kind: "priority-set", key: [destination, "meta l4proto", "th dport"], map: "leads" }, {
      kind: "verdict",
      verdict: { kind: "goto", chain: "one" },
    }],
    [{ kind: "match", selector: "meta priority", operator: "==", value: "e400:30" }, drop],
    [{ kind: "match", selector: "meta priority", operator: "!=", value: "none" }, drop],
    [{ kind: "priority-test", mask: "c00:0", operator: "!=", value: "400:0" }, drop],
    [{ kind: "priority-test", mask: "0:f0", operator: "==", value: "none" }, {
      kind: "vmap",
      key: ["meta priority"],
      map: "ways",
    }],
    [{
      kind: "priority-set",
      key: [destination, "meta l4proto", "th dport", { kind: "numgen", modulus: 3 }],
      map: "drawn-leads",
    }],
  ];
}

/** Statements that write the destination, use the original one, or go on behind a map. */
function leadStatements(family: Family): Statement[][] {
  const destination = family === "ip" ? "ip daddr" : "ip6 daddr" as const;
  const drop: Statement = { kind: "verdict", verdict: { kind: "drop" } };
  return [
    [{ kind: "vmap", key: ["meta l4proto", "th dport"], map: "ports" }, {
      kind: "verdict",
      verdict: { kind: "goto", chain: "three" },
    }],
    ...priorityStatements(family),
    [{ kind: "daddr-set", key: [destination, "meta l4proto", "th dport"], map: "other-addresses" }],
    [{ kind: "daddr-restore" }],
    [{ kind: "daddr-restore" }, { kind: "mark-set", operator: "|", bits: 0x4000 }],
    [{
      kind: "dnat",
      key: [`ct original ${destination}`, "meta l4proto", "th dport", { kind: "numgen", modulus: 4 }],
      map: "slots",
    }],
    [
      { kind: "vmap", key: [`ct original ${destination}`, "meta l4proto", "th dport"], map: "verdicts" },
      drop,
    ],
    [{ kind: "lookup", key: [`ct original ${destination}`], set: "addresses" }, drop],
  ];
}

/** Lookups of the prefix that a source is in: of whole bytes, of a part of one, and of all bits. */
function prefixStatements(family: Family): Statement[][] {
  const of = `${family} saddr` as const;
  return [1, 23, 24, 32, ...(family === "ip6" ? [33, 113, 127, 128] : [])].map((length): Statement[] => [
    {
      kind: "lookup",
      key: [`${family} daddr`, "meta l4proto", "th dport", { kind: "source-prefix", of, length }],
      set: "prefixes",
    },
    { kind: "verdict", verdict: { kind: "return" } },
  ]);
}

/** Statements of hashes of the source. */
function hashStatements(family: Family): Statement[][] {
  const hash = (modulus: number, seed: number, offset = 0) =>
    ({ kind: "address-hash", of: `${family} saddr`, modulus, seed, offset }) as const;
  const port = ["meta l4proto", "th dport"] as const;
  return [
    [{ kind: "hash-match", hash: hash(2, 0x9e37), value: 1 }, {
      kind: "dnat",
      key: [`ct original ${family} daddr`, ...port, hash(2, 2, 2)],
      map: "slots",
    }],
    [{ kind: "hash-match", hash: hash(8, 3, 5), value: 12 }, {
      kind: "verdict",
      verdict: { kind: "return" },
    }],
    [{ kind: "dnat", key: [...port, hash(1, 4)], map: "port-slots" }],
  ];
}

/** Statements that write the source and the port, and those of dynamic maps. */
function pinStatements(family: Family): Statement[][] {
  const servicePort = [`${family} saddr`, "meta l4proto", "th dport"] as const;
  const of = [`ct original ${family} saddr`, ...servicePort] as const;
  const hash = (seed: number) => ({ kind: "hash", of, seed }) as const;
  const pin = { key: family === "ip" ? of : [hash(1), hash(0x9e37)], map: "pins" };
  const old = { ...pin, map: "old-pins", data: "daddr" } as const;
  const again: Statement = { kind: "verdict", verdict: { kind: "return" } };
  return [
    [{ kind: "pin", ...pin, timeoutSeconds: 93_784 }],
    [{ kind: "pin", ...pin, timeoutSeconds: 60 }, again],
    [{ kind: "priority-set", ...pin }, { kind: "unpin", ...pin }],
    [{ kind: "pin", ...old, timeoutSeconds: 60 }, again],
    [{ kind: "daddr-set", key: old.key, map: old.map }, { kind: "unpin", ...old }],
    [{ kind: "daddr-set", key: old.key, map: old.map }, {
      kind: "lookup",
      key: [...servicePort, `${family} daddr`],
      set: "sources",
    }, again],
    [{ kind: "daddr-set", key: [...servicePort, { kind: "numgen", modulus: 4 }], map: "numbers" }, again],
    [
      {
        kind: "saddr-set",
        key: [`ct original ${family} daddr`, "meta l4proto", "th dport"],
        map: "other-addresses",
      },
      again,
    ],
    [{ kind: "saddr-set", key: servicePort, map: "other-addresses" }, {
      kind: "vmap",
      key: servicePort,
      map: "verdicts",
    }],
    [{ kind: "saddr-restore" }],
    [{ kind: "dport-set", key: ["meta l4proto", "th dport"], map: "other-ports" }],
    [{
      kind: "dnat",
      key: [`${family} daddr`, "meta l4proto", "th dport", "meta priority"],
      map: "numbered",
    }],
  ];
}

const rule = (family: Family): fc.Arbitrary<Rule> =>
  fc.record({
    statements: fc.constantFrom(...worldStatements(family)),
    comment: fc.option(fc.constantFrom("why", "shop/web:http"), { nil: undefined }),
  })
    .map(({ statements, comment }) => comment === undefined ? { statements } : { statements, comment });

function element(family: Family, set: Container): fc.Arbitrary<Element> {
  const part = (type: string): fc.Arbitrary<string> => {
    if (type.endsWith("_addr")) return fc.constantFrom(...ADDRESS[family]);
    if (type === "inet_proto") return fc.constantFrom("tcp", "udp", "sctp");
    if (type === "classid") return fc.constantFrom("none", "e400:30", "0:10", "c04e:2910");
    if (type === "inet_service") return fc.constantFrom("80", "65535");
    return type === "slot" ? fc.constantFrom("0", "3") : fc.constantFrom("0x00000000", "0x00004000");
  };
  const join = (types: readonly string[]) => fc.tuple(...types.map(part)).map((parts) => parts.join(" . "));
  const key = set.kind === "set" && set.flag === "interval"
    ? set.key.length === 1
      ? fc.constantFrom(...NETWORKS[family])
      : fc.tuple(join(set.key.slice(0, -1)), fc.constantFrom(...SOURCES[family])).map((parts) =>
        parts.join(" . ")
      )
    : join(set.key);
  const value = set.kind === "set"
    ? fc.constant(undefined)
    : set.value === "verdict"
    ? fc.constantFrom("drop", "accept", "continue", "goto one", "goto three", "jump two")
    : join(set.value);
  return fc.tuple(key, value, fc.option(fc.constantFrom("a/b", "a/b:http"), { nil: undefined }))
    .map(
      ([key, value, comment]) => ({
        key: key as ElementKey,
        ...(value === undefined ? {} : { value }),
        ...(comment === undefined ? {} : { comment }),
      }),
    );
}

function operation(family: Family, table: string): fc.Arbitrary<Operation> {
  const here = { family, table } as const;
  const sets = worldSets(family);
  const elements = sets.filter((set) => set.flag !== "dynamic").map((set) =>
    fc.tuple(fc.constantFrom("add", "add", "delete" as const), element(family, set)).map((
      [verb, element],
    ): Operation => ({
      verb: verb as "add" | "delete",
      noun: "element",
      set: setPath(family, table, set.name),
      container: set,
      element,
    }))
  );
  const chain = fc.constantFrom(...CHAINS, "base");
  return fc.oneof(
    {
      weight: 2,
      arbitrary: fc.constant<Operation>({ verb: "add", noun: "table", ...here, comment: "small world" }),
    },
    { weight: 1, arbitrary: fc.constant<Operation>({ verb: "delete", noun: "table", ...here }) },
    {
      weight: 6,
      arbitrary: chain.map((name): Operation => ({
        verb: "add",
        noun: "chain",
        ...here,
        chain: name === "base" ? BASE : { name },
      })),
    },
    {
      weight: 1,
      arbitrary: chain.map((name): Operation => ({ verb: "delete", noun: "chain", ...here, name })),
    },
    {
      weight: 1,
      arbitrary: chain.map((name): Operation => ({ verb: "flush", noun: "chain", ...here, name })),
    },
    {
      weight: 6,
      arbitrary: fc.tuple(chain, rule(family)).map(([chain, rule]): Operation => ({
        verb: "add",
        noun: "rule",
        ...here,
        chain,
        rule,
      })),
    },
    {
      weight: 6,
      arbitrary: fc.constantFrom(...sets).map((set): Operation => ({
        verb: "add",
        noun: "set",
        ...here,
        set,
      })),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom(...sets).map(({ kind, name }): Operation => ({
        verb: "delete",
        noun: "set",
        ...here,
        kind,
        name,
      })),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom(...sets).map(({ kind, name }): Operation => ({
        verb: "flush",
        noun: "set",
        ...here,
        kind,
        name,
      })),
    },
    { weight: 8, arbitrary: fc.oneof(...elements) },
  );
}

/** Operations that make every object of table `table`. As a prelude they make most of the later operations valid. */
export function world(table: string): Transaction {
  return (["ip", "ip6"] as const).flatMap((family): Operation[] => [
    { verb: "add", noun: "table", family, table },
    ...worldSets(family).map((set): Operation => ({ verb: "add", noun: "set", family, table, set })),
    ...[...CHAINS.map((name) => ({ name })), BASE].map((chain): Operation => ({
      verb: "add",
      noun: "chain",
      family,
      table,
      chain,
    })),
  ]);
}

/** A stream of transactions in table `table` of both families. */
export function transactions(table: string): fc.Arbitrary<Transaction[]> {
  const one = family.chain((family) => operation(family, table));
  return fc.array(fc.array(one, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 12 });
}
