// Decodes netlink expressions into statements: the inverse of rule_encoder.ts. For a rule that this program never
// writes it returns a reason that names the expressions. What was read is written again and compared, so that a foreign
// rule is found and not misread.

import { prefixMask } from "../nft/address_bytes.ts";
import { classidText, type Family } from "../nft/data_type.ts";
import type { ComparedSelector, KeyPart, LookupPart, Rule, Selector, Statement } from "../nft/statement.ts";
import { hostU32, readConcatenation } from "./data_codec.ts";
import { HASH_MODULUS } from "../limits/rules.ts";
import * as nf from "./nf_tables.ts";
import { attributeList, type Attributes, attributes, nested, readText, text, u32 } from "./netlink_reader.ts";
import { NetlinkWriter } from "./netlink_writer.ts";
import { HEADER_FIELD, HEADER_SELECTORS, isOriginal, writeRule } from "./rule_encoder.ts";
import { readComment } from "./set_codec.ts";
import { readVerdict } from "./verdict_codec.ts";

interface Expression {
  readonly name: string;
  readonly data: Attributes;
}

/** A value that an expression loads into registers, and how many bytes of it. */
interface Load {
  readonly part: KeyPart | "meta mark" | "ct state" | "ct status";
  readonly bytes: number;
}

/** An expression that the encoder never writes. It does not leave this file: `readRule` returns a reason. */
class UnknownExpression extends Error {}

/** The rule in the attributes of NFT_MSG_NEWRULE, or the reason why it is none of this program's. */
export function readRule(family: Family, rule: Attributes): Rule | string {
  const bytes = rule.get(nf.NFTA_RULE.EXPRESSIONS);
  const expressions = bytes === undefined ? [] : readExpressions(bytes);
  if (expressions.length === 0) return "rule without expressions";
  try {
    const statements = readStatements(family, expressions);
    requireWritten(family, statements, expressions);
    const comment = readComment(rule.get(nf.NFTA_RULE.USERDATA));
    return comment === undefined ? { statements } : { statements, comment };
  } catch (error) {
    if (!(error instanceof UnknownExpression)) throw error;
    return `rule of ${namesOf(expressions)}: ${error.message}`;
  }
}

/** Throws where this program would write `statements` otherwise: other expressions, or another operator, mask, flag or constant. */
function requireWritten(family: Family, statements: Statement[], found: readonly Expression[]): void {
  const writer = new NetlinkWriter();
  writeRule(writer, family, { statements });
  const written = readExpressions(attributes(writer.finish()).get(nf.NFTA_RULE.EXPRESSIONS)!);
  if (namesOf(written) !== namesOf(found)) {
    throw new UnknownExpression(`written by this program it is ${namesOf(written)}`);
  }
  found.forEach(({ name, data }, i) => {
    const expected = asListed(written[i]!);
    for (const attribute of new Set([...data.keys(), ...expected.keys()])) {
      const [one, other] = [constantOf(name, attribute, data), constantOf(name, attribute, expected)];
      if (!sameBytes(one, other)) throw new UnknownExpression(`${name} with another attribute ${attribute}`);
    }
  });
}

function namesOf(expressions: readonly Expression[]): string {
  return expressions.map(({ name }) => name).join(", ");
}

/** The attributes that the kernel lists of an expression. A range of one address and port is listed with both of its ends. */
function asListed({ name, data }: Expression): Attributes {
  if (name !== "nat") return data;
  const { REG_ADDR_MIN, REG_ADDR_MAX, REG_PROTO_MIN, REG_PROTO_MAX, FLAGS } = nf.NFTA_NAT;
  return new Map([
    ...data,
    [REG_ADDR_MAX, data.get(REG_ADDR_MIN)!],
    [REG_PROTO_MAX, data.get(REG_PROTO_MIN)!],
    [FLAGS, Uint8Array.of(0, 0, 0, nf.NF_NAT_RANGE_MAP_IPS | nf.NF_NAT_RANGE_PROTO_SPECIFIED)],
  ]);
}

/** Attributes that contain their value as nft_data. */
const NESTS: ReadonlyMap<string, readonly number[]> = new Map([
  ["cmp", [nf.NFTA_CMP.DATA]],
  ["bitwise", [nf.NFTA_BITWISE.MASK, nf.NFTA_BITWISE.XOR]],
  ["immediate", [nf.NFTA_IMMEDIATE.DATA]],
]);

/** The bytes of an attribute, or the constant in it. A verdict is read whole, so it is not compared. */
function constantOf(name: string, attribute: number, data: Attributes): Uint8Array | undefined {
  const isNest = NESTS.get(name)?.includes(attribute) === true;
  return isNest ? nested(data, attribute).get(nf.NFTA_DATA.VALUE) : data.get(attribute);
}

/** Whether two values of an attribute are equal. The kernel may leave out a number that is 0, or send it. */
function sameBytes(one: Uint8Array = NONE, other: Uint8Array = NONE): boolean {
  const [longer, shorter] = one.length < other.length ? [other, one] : [one, other];
  if (shorter.length === 0) return longer.every((byte) => byte === 0);
  return longer.length === shorter.length && longer.every((byte, i) => byte === shorter[i]);
}

const NONE = new Uint8Array();

/**
 * The expressions of a rule. nft 1.0.6 adds a byteorder expression for `meta l4proto`, one byte, which changes nothing.
 */
function readExpressions(bytes: Uint8Array): Expression[] {
  return [...attributeList(bytes)].map(([, element]) => {
    const expression = attributes(element);
    return {
      name: text(expression, nf.NFTA_EXPR.NAME),
      data: nested(expression, nf.NFTA_EXPR.DATA),
    };
  }).filter(({ name, data }) => name !== "byteorder" || u32(data, nf.NFTA_BYTEORDER_LEN) !== 1);
}

/** Decodes the expressions from left to right: loads, then the expressions that use the loaded values. */
function readStatements(family: Family, expressions: readonly Expression[]): Statement[] {
  const statements: Statement[] = [];
  let at = 0;
  while (at < expressions.length) {
    const loads: Load[] = [];
    for (; at < expressions.length; at++) {
      const { name, data } = expressions[at]!;
      const load = name === "hash"
        ? readHash(data, loads)
        : name === "bitwise" && loads.length > 1
        ? readMasked(data, loads)
        : readLoad(family, expressions[at]!);
      if (load === undefined) break;
      loads.push(load);
    }
    const [statement, used] = readStatement(family, loads, expressions.slice(at, at + 3));
    statements.push(statement);
    at += used;
  }
  return statements;
}

/** The hash of the values that were loaded last, which are taken from `loads`. */
function readHash(data: Attributes, loads: Load[]): Load {
  const modulus = numberIn(data, nf.NFTA_HASH.MODULUS);
  if (modulus !== HASH_MODULUS) return readAddressHash(data, modulus, loads.pop());
  const first = loads.findLastIndex(({ part }) => typeof part === "object") + 1;
  const of = loads.splice(first).map(selectorOf);
  // Where nft gave no seed, the kernel draws one and does not list it.
  return { part: { kind: "hash", of, seed: numberIn(data, nf.NFTA_HASH.SEED) }, bytes: 4 };
}

/** What a mask in a key makes of the value that was loaded last, which is taken from `loads`. `requireWritten` compares the mask. */
function readMasked(bitwise: Attributes, loads: Load[]): Load {
  const masked = loads.pop()!;
  if (masked.part !== "meta mark") return masked;
  const of = loads.pop()!.part;
  if (of !== "ip saddr" && of !== "ip6 saddr") throw new UnknownExpression("mark in a key");
  const length = hostU32(bytesOf(bitwise, nf.NFTA_BITWISE.XOR));
  return { part: { kind: "source-prefix", of, length }, bytes: HEADER_FIELD[of].length + 4 };
}

/** A hash with a modulus is one of a source. */
function readAddressHash(data: Attributes, modulus: number, { part }: Partial<Load> = {}): Load {
  if (part !== "ip saddr" && part !== "ip6 saddr") throw new UnknownExpression("hash with a modulus");
  const [seed, offset] = [numberIn(data, nf.NFTA_HASH.SEED), u32(data, nf.NFTA_HASH.OFFSET) ?? 0];
  return { part: { kind: "address-hash", of: part, modulus, seed, offset }, bytes: 4 };
}

/** What `expression` loads; undefined where it does something else. */
function readLoad(family: Family, { name, data }: Expression): Load | undefined {
  if (name === "payload") return data.has(nf.NFTA_PAYLOAD.SREG) ? undefined : readPayload(family, data);
  if (name === "numgen") {
    return { part: { kind: "numgen", modulus: numberIn(data, nf.NFTA_NG.MODULUS) }, bytes: 4 };
  }
  if (name === "fib") {
    return {
      part: u32(data, nf.NFTA_FIB.FLAGS) === nf.NFTA_FIB_F_SADDR ? "fib saddr type" : "fib daddr type",
      bytes: 4,
    };
  }
  if (name === "ct") return readConnection(family, data);
  if (name !== "meta" || data.has(nf.NFTA_META.SREG)) return undefined;
  const key = u32(data, nf.NFTA_META.KEY);
  if (key === nf.NFT_META_L4PROTO) return { part: "meta l4proto", bytes: 1 };
  if (key === nf.NFT_META_PRIORITY) return { part: "meta priority", bytes: 4 };
  if (key === nf.NFT_META_IIFNAME) return { part: "iifname", bytes: 16 };
  if (key === nf.NFT_META_MARK) return { part: "meta mark", bytes: 4 };
  throw new UnknownExpression(`meta key ${key}`);
}

/** A value of connection tracking. */
function readConnection(family: Family, data: Attributes): Load {
  const key = u32(data, nf.NFTA_CT.KEY);
  if (key === nf.NFT_CT_STATE) return { part: "ct state", bytes: 4 };
  if (key === nf.NFT_CT_STATUS) return { part: "ct status", bytes: 4 };
  const part = ([`ct original ${family} saddr`, `ct original ${family} daddr`] as const)
    .find((name) => nf.NFT_CT_ADDRESS[name] === key);
  if (part === undefined || data.get(nf.NFTA_CT.DIRECTION)?.[0] !== nf.IP_CT_DIR_ORIGINAL) {
    throw new UnknownExpression(`ct key ${key}`);
  }
  return { part, bytes: HEADER_FIELD[`${family} daddr`].length };
}

/** The header field at that offset. A prefix is loaded with fewer bytes, so the length does not identify it. */
function readPayload(family: Family, data: Attributes): Load {
  const base = u32(data, nf.NFTA_PAYLOAD.BASE);
  const offset = u32(data, nf.NFTA_PAYLOAD.OFFSET);
  const bytes = numberIn(data, nf.NFTA_PAYLOAD.LEN);
  const part = HEADER_SELECTORS.find((name) => {
    const field = HEADER_FIELD[name];
    return field.base === base && field.offset === offset &&
      (name === "th dport" || name.startsWith(`${family} `));
  });
  if (part === undefined) throw new UnknownExpression(`payload base ${base} offset ${offset}`);
  return { part, bytes };
}

/** The statement made of `loads` and the expressions in `next`, and how many of those it uses. */
function readStatement(
  family: Family,
  loads: readonly Load[],
  next: readonly Expression[],
): [Statement, number] {
  const [first, second] = next;
  if (first === undefined) throw new UnknownExpression("ends with a load");
  if (loads.length === 0) {
    if (first.name === "immediate" && second?.name === "meta") return [{ kind: "nftrace" }, 2];
    return [readAction(first), 1];
  }
  if (first.name === "lookup") return readLookup(family, loads, first.data, second);
  if (first.name === "dynset") return [readPin(family, loads, first.data), 1];
  const load = loads[0]!;
  if (first.name === "payload") {
    const written = writtenField(family, first);
    if (written === "daddr" && load.part === `ct original ${family} daddr`) {
      return [{ kind: "daddr-restore" }, 1];
    }
    if (written === "saddr" && load.part === `ct original ${family} saddr`) {
      return [{ kind: "saddr-restore" }, 1];
    }
  }
  if (loads.length > 1) throw new UnknownExpression(`${loads.length} loads before ${first.name}`);
  if (first.name === "cmp" && typeof load.part === "object" && load.part.kind === "address-hash") {
    return [
      { kind: "hash-match", hash: load.part, value: hostU32(bytesOf(first.data, nf.NFTA_CMP.DATA)) },
      1,
    ];
  }
  if (first.name === "cmp") return [readMatch(load, first.data, undefined), 1];
  if (first.name !== "bitwise" || second === undefined) {
    throw new UnknownExpression(`${first.name} behind a load`);
  }
  if (second.name === "meta") return [readMarkSet(first.data), 2];
  if (second.name === "cmp") {
    return [readMatch(load, second.data, bytesOf(first.data, nf.NFTA_BITWISE.MASK)), 2];
  }
  throw new UnknownExpression(`${second.name} behind bitwise`);
}

/** A statement without a loaded value. */
function readAction({ name, data }: Expression): Statement {
  if (name === "masq") return { kind: "masquerade" };
  if (name === "immediate") {
    const verdict = readVerdict(nested(data, nf.NFTA_IMMEDIATE.DATA));
    if (typeof verdict === "string") throw new UnknownExpression(verdict);
    return { kind: "verdict", verdict };
  }
  if (name === "reject") {
    const reset = u32(data, nf.NFTA_REJECT.TYPE) === nf.NFT_REJECT_TCP_RST;
    return { kind: "reject", with: reset ? "tcp-reset" : "port-unreachable" };
  }
  throw new UnknownExpression(name);
}

/** The field that `expression` writes register 1 into; undefined where it does something else. */
function writtenField(family: Family, { name, data }: Expression): "saddr" | "daddr" | "dport" | undefined {
  if (name !== "payload" || u32(data, nf.NFTA_PAYLOAD.SREG) !== nf.NFT_REG_1) return undefined;
  const writes = (selector: (typeof HEADER_SELECTORS)[number]) => {
    const field = HEADER_FIELD[selector];
    return u32(data, nf.NFTA_PAYLOAD.BASE) === field.base &&
      u32(data, nf.NFTA_PAYLOAD.OFFSET) === field.offset && u32(data, nf.NFTA_PAYLOAD.LEN) === field.length;
  };
  if (writes(`${family} daddr`)) return "daddr";
  if (writes(`${family} saddr`)) return "saddr";
  return writes("th dport") ? "dport" : undefined;
}

/** A set lookup, a verdict map, or a lookup whose data the expression in `next` uses. */
function readLookup(
  family: Family,
  loads: readonly Load[],
  data: Attributes,
  next: Expression | undefined,
): [Statement, number] {
  const set = text(data, nf.NFTA_LOOKUP.SET);
  const into = u32(data, nf.NFTA_LOOKUP.DREG);
  if (into === undefined) return [{ kind: "lookup", key: loads.map(lookupPartOf), set }, 1];
  if (into === nf.NFT_REG_VERDICT) return [{ kind: "vmap", key: loads.map(selectorOf), map: set }, 1];
  if (next?.name === "meta" && u32(next.data, nf.NFTA_META.KEY) === nf.NFT_META_PRIORITY) {
    return [{ kind: "priority-set", key: loads.map(partOf), map: set }, 2];
  }
  const written = next && writtenField(family, next);
  if (written === "daddr") return [{ kind: "daddr-set", key: loads.map(partOf), map: set }, 2];
  if (written !== undefined) return [{ kind: `${written}-set`, key: loads.map(selectorOf), map: set }, 2];
  if (next?.name !== "nat") throw new UnknownExpression("lookup without nat");
  return [{ kind: "dnat", key: loads.map(partOf), map: set }, 2];
}

function partOf(load: Load): KeyPart {
  return typeof load.part === "object" ? load.part : selectorOf(load);
}

function lookupPartOf(load: Load): LookupPart {
  const { part } = load;
  return typeof part === "object" && part.kind === "source-prefix" ? part : selectorOf(load);
}

/** What `load` loads, as part of a key. */
function selectorOf({ part }: Load): Selector {
  if (typeof part === "object" || part === "meta mark" || part === "ct state" || part === "ct status") {
    throw new UnknownExpression("a lookup by something else than addresses, ports and protocols");
  }
  return part;
}

/** The kernel gives a timeout as 64 bits. */
const TIMEOUT_BYTES = 8;

/** An update of a map, or a deletion, with the packet's priority or, up to version 0.6, its destination as the data. */
function readPin(family: Family, loads: readonly Load[], data: Attributes): Statement {
  const key = loads.slice(0, -1).map(partOf);
  const value = loads.at(-1)?.part;
  if ((value !== "meta priority" && value !== `${family} daddr`) || !data.has(nf.NFTA_DYNSET.SREG_DATA)) {
    throw new UnknownExpression("dynset of something else than a map of priorities or destinations");
  }
  const old = value === "meta priority" ? {} : { data: "daddr" } as const;
  const map = text(data, nf.NFTA_DYNSET.SET_NAME);
  if (u32(data, nf.NFTA_DYNSET.OP) === nf.NFT_DYNSET_OP_DELETE) return { kind: "unpin", key, map, ...old };
  const timeout = data.get(nf.NFTA_DYNSET.TIMEOUT);
  if (timeout?.length !== TIMEOUT_BYTES) throw new UnknownExpression("dynset without a timeout");
  const milliseconds = new DataView(timeout.buffer, timeout.byteOffset).getBigUint64(0);
  return { kind: "pin", key, map, timeoutSeconds: Number(milliseconds / 1000n), ...old };
}

/** The operator from the mask: `|` clears the bits before it sets them, `^` keeps all. */
function readMarkSet(bitwise: Attributes): Statement {
  const bits = hostU32(bytesOf(bitwise, nf.NFTA_BITWISE.XOR));
  const mask = hostU32(bytesOf(bitwise, nf.NFTA_BITWISE.MASK));
  return { kind: "mark-set", operator: mask === 0xffff_ffff ? "^" : "|", bits };
}

/** A comparison. Tests of marks and connection tracking are comparisons of masked values with 0. */
function readMatch(load: Load, cmp: Attributes, mask: Uint8Array | undefined): Statement {
  const value = bytesOf(cmp, nf.NFTA_CMP.DATA);
  const operator = u32(cmp, nf.NFTA_CMP.OP) === nf.NFT_CMP_EQ ? "==" : "!=";
  if (load.part === "ct state") return { kind: "ct-state-new" };
  if (load.part === "ct status") return { kind: "ct-status-dnat" };
  if (load.part === "meta mark") {
    if (mask === undefined) throw new UnknownExpression("a comparison of the whole mark");
    return { kind: "mark-test", bits: hostU32(mask) };
  }
  if (load.part === "meta priority" && mask !== undefined) {
    const [bits, wanted] = [mask, value].map((bytes) => classidText(hostU32(bytes)));
    return { kind: "priority-test", mask: bits!, operator, value: wanted! };
  }
  const selector = selectorOf(load);
  if (isOriginal(selector)) throw new UnknownExpression("a comparison of an original address");
  return { kind: "match", selector, operator, value: readConstant(selector, value, mask) };
}

/** The text of a constant. An address that is shorter than its type, or masked, is a prefix. */
function readConstant(selector: ComparedSelector, value: Uint8Array, mask: Uint8Array | undefined): string {
  if (selector === "meta l4proto") return readConcatenation(["inet_proto"], value);
  if (selector === "meta priority") return readConcatenation(["classid"], value);
  if (selector === "th dport") return readConcatenation(["inet_service"], value);
  if (selector.startsWith("fib")) {
    if (hostU32(value) !== nf.RTN_LOCAL) throw new UnknownExpression(`address type ${hostU32(value)}`);
    return "local";
  }
  if (selector === "iifname") return readInterface(value);
  const type = selector.startsWith("ip6") ? "ipv6_addr" : "ipv4_addr";
  const whole = new Uint8Array(type === "ipv6_addr" ? 16 : 4);
  // nft can load any bytes of a header, also of two fields: `@nh,96,64`.
  if (value.length > whole.length) throw new UnknownExpression(`${selector} with ${value.length} bytes`);
  whole.set(value);
  const address = readConcatenation([type], whole);
  if (mask === undefined && value.length === whole.length) return address;
  return `${address}/${mask === undefined ? value.length * 8 : prefixLength(mask)}`;
}

/** The name of an interface. Without a terminating NUL it is a prefix of names. */
function readInterface(value: Uint8Array): string {
  const end = value.indexOf(0);
  return end < 0 ? `${readText(value)}*` : readText(value.subarray(0, end + 1));
}

/** The number of leading ones in `mask`. */
function prefixLength(mask: Uint8Array): number {
  const length = Array.from({ length: mask.length * 8 + 1 }, (_, bits) => bits)
    .find((bits) => prefixMask(mask.length, bits).every((byte, i) => byte === mask[i]));
  if (length === undefined) throw new UnknownExpression("a mask that is no prefix");
  return length;
}

/** The value in the nft_data nest of `attribute`. */
function bytesOf(data: Attributes, attribute: number): Uint8Array {
  const bytes = nested(data, attribute).get(nf.NFTA_DATA.VALUE);
  if (bytes === undefined) throw new UnknownExpression(`no data in attribute ${attribute}`);
  return bytes;
}

/** The number in `attribute`. */
function numberIn(data: Attributes, attribute: number): number {
  const number = u32(data, attribute);
  if (number === undefined) throw new UnknownExpression(`no number in attribute ${attribute}`);
  return number;
}
