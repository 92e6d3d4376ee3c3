// Rules as netlink expressions, the same that nft 1.0.6 sends (`nft --debug=netlink`). An expression loads a value of
// the packet into register 1 and the following ones; the next expression compares it, looks it up or uses it.

import { unreachable } from "../invariant.ts";
import { addressBytes, prefixMask } from "../nft/address_bytes.ts";
import { classidNumber, type Family, prefixParts } from "../nft/data_type.ts";
import type {
  AddressHash,
  ComparedSelector,
  Hash,
  KeyPart,
  Numgen,
  OriginalAddress,
  Rule,
  Selector,
  SourcePrefix,
  Statement,
} from "../nft/statement.ts";
import * as nf from "./nf_tables.ts";
import type { NetlinkWriter } from "./netlink_writer.ts";
import { HASH_MODULUS, INTERFACE_BYTES_MAX } from "../limits/rules.ts";
import { writeComment } from "./set_codec.ts";
import { writeVerdict } from "./verdict_codec.ts";

/** Selectors that are fields of a packet's headers. */
export const HEADER_SELECTORS = ["ip saddr", "ip daddr", "ip6 saddr", "ip6 daddr", "th dport"] as const;
type HeaderSelector = (typeof HEADER_SELECTORS)[number];

/** Where a header field is: payload base, offset and length in bytes. */
export const HEADER_FIELD: Readonly<
  Record<HeaderSelector, { readonly base: number; readonly offset: number; readonly length: number }>
> = {
  "ip saddr": { base: nf.NFT_PAYLOAD_NETWORK_HEADER, offset: 12, length: 4 },
  "ip daddr": { base: nf.NFT_PAYLOAD_NETWORK_HEADER, offset: 16, length: 4 },
  "ip6 saddr": { base: nf.NFT_PAYLOAD_NETWORK_HEADER, offset: 8, length: 16 },
  "ip6 daddr": { base: nf.NFT_PAYLOAD_NETWORK_HEADER, offset: 24, length: 16 },
  "th dport": { base: nf.NFT_PAYLOAD_TRANSPORT_HEADER, offset: 2, length: 2 },
};

const PROTOCOL_NUMBER: Readonly<Record<string, number>> = { tcp: 6, udp: 17, sctp: 132 };
/** ICMP and ICMPv6 code "port unreachable" (RFC 792, RFC 4443). */
const PORT_UNREACHABLE = { ip: 3, ip6: 4 } as const;

/** Writes the expressions and the comment of `rule`. */
export function writeRule(writer: NetlinkWriter, family: Family, rule: Rule): void {
  const expressions = writer.openNest(nf.NFTA_RULE.EXPRESSIONS);
  for (const statement of rule.statements) writeStatement(writer, family, statement);
  writer.close(expressions);
  if (rule.comment !== undefined) writeComment(writer, nf.NFTA_RULE.USERDATA, rule.comment);
}

/** Writes the expressions of one statement. rule_decoder.ts recognises a statement by exactly this sequence. */
function writeStatement(writer: NetlinkWriter, family: Family, statement: Statement): void {
  switch (statement.kind) {
    case "match":
      return writeMatch(writer, statement);
    case "hash-match":
      loadKey(writer, [statement.hash]);
      return writeCompare(writer, "==", hostBytes(statement.value));
    case "priority-test":
      return writePriorityTest(writer, statement);
    case "lookup":
      loadKey(writer, statement.key);
      return writeLookup(writer, statement.set);
    case "priority-set":
      loadKey(writer, statement.key, 0, ADDRESS_REGISTERS + keyRegisters(statement.key));
      writeLookup(writer, statement.map, nf.NFT_REG_1);
      return writeMeta(writer, nf.NFT_META_PRIORITY);
    case "daddr-set":
    case "saddr-set":
      loadKey(writer, statement.key, 0, ADDRESS_REGISTERS + keyRegisters(statement.key));
      writeLookup(writer, statement.map, nf.NFT_REG_1);
      return writeAddress(writer, family, statement.kind === "daddr-set" ? "daddr" : "saddr");
    case "dport-set":
      loadKey(writer, statement.key);
      writeLookup(writer, statement.map, nf.NFT_REG_1);
      return writePort(writer);
    case "daddr-restore":
      load(writer, `ct original ${family} daddr`, nf.NFT_REG_1);
      return writeAddress(writer, family, "daddr");
    case "saddr-restore":
      load(writer, `ct original ${family} saddr`, nf.NFT_REG_1);
      return writeAddress(writer, family, "saddr");
    case "vmap":
      loadKey(writer, statement.key);
      return writeLookup(writer, statement.map, nf.NFT_REG_VERDICT);
    case "pin":
    case "unpin":
      return writePin(writer, family, statement);
    case "ct-state-new":
      return writeCtTest(writer, nf.NFT_CT_STATE, nf.CT_STATE_NEW);
    case "ct-status-dnat":
      return writeCtTest(writer, nf.NFT_CT_STATUS, nf.CT_STATUS_DNAT);
    case "nftrace":
      return writeTraceMark(writer);
    case "mark-test":
      loadMark(writer);
      writeBitwise(writer, hostBytes(statement.bits), hostBytes(0));
      return writeCompare(writer, "!=", hostBytes(0));
    case "mark-set":
      return writeMarkSet(writer, statement.operator, statement.bits);
    case "dnat":
      return writeDnat(writer, family, statement.key, statement.map);
    case "masquerade":
      return expression(
        writer,
        "masq",
        () => writer.attributeU32(nf.NFTA_MASQ_FLAGS, nf.NF_NAT_RANGE_PROTO_RANDOM_FULLY),
      );
    case "reject":
      return writeReject(writer, family, statement.with);
    case "verdict":
      return expression(writer, "immediate", () => {
        writer.attributeU32(nf.NFTA_IMMEDIATE.DREG, nf.NFT_REG_VERDICT);
        const data = writer.openNest(nf.NFTA_IMMEDIATE.DATA);
        writeVerdict(writer, statement.verdict);
        writer.close(data);
      });
    default:
      return unreachable(statement);
  }
}

/** One expression: its name and its attributes. */
function expression(writer: NetlinkWriter, name: string, fill: () => void): void {
  const element = writer.openNest(nf.NFTA_LIST_ELEM);
  writer.attributeString(nf.NFTA_EXPR.NAME, name);
  const data = writer.openNest(nf.NFTA_EXPR.DATA);
  fill();
  writer.close(data);
  writer.close(element);
}

/** A comparison with a constant. A prefix of whole bytes is compared as such; any other needs a mask first. */
function writeMatch(writer: NetlinkWriter, match: Statement & { kind: "match" }): void {
  const { selector, operator, value } = match;
  if (
    selector === "meta l4proto" || selector === "fib saddr type" || selector === "fib daddr type" ||
    selector === "th dport" || selector === "iifname" || selector === "meta priority"
  ) {
    load(writer, selector, nf.NFT_REG_1);
    return writeCompare(writer, operator, constant(selector, value));
  }
  const [address, length] = prefixParts(value);
  const bytes = addressBytes(address);
  const bits = length === undefined ? bytes.length * 8 : Number(length);
  if (bits % 8 === 0 && bits > 0) {
    loadPayload(writer, selector, nf.NFT_REG_1, bits / 8);
    return writeCompare(writer, operator, bytes.subarray(0, bits / 8));
  }
  load(writer, selector, nf.NFT_REG_1);
  writeBitwise(writer, prefixMask(bytes.length, bits), new Uint8Array(bytes.length));
  writeCompare(writer, operator, bytes);
}

/** The bytes of a constant as the kernel compares them: ports in network order, address types in host order. */
function constant(selector: ComparedSelector, value: string): Uint8Array {
  if (selector === "meta l4proto") return Uint8Array.of(PROTOCOL_NUMBER[value] ?? Number(value));
  if (selector === "th dport") return Uint8Array.of(Number(value) >> 8, Number(value) & 0xff);
  if (selector === "meta priority") return hostBytes(classidNumber(value));
  return selector === "iifname" ? interfaceBytes(value) : hostBytes(nf.RTN_LOCAL);
}

/** The bytes before the `*`, or a whole name with its padding, which makes the comparison exact. */
function interfaceBytes(name: string): Uint8Array {
  const bytes = new Uint8Array(name.endsWith("*") ? name.length - 1 : INTERFACE_BYTES_MAX + 1);
  new TextEncoder().encodeInto(name.replace("*", ""), bytes);
  return bytes;
}

/**
 * Loads the parts of a key into consecutive registers from the `start`-th 4 bytes on, each part into whole 4-byte registers.
 * What a hash is made of goes to the registers from the `hashed`-th 4 bytes on.
 */
function loadKey(
  writer: NetlinkWriter,
  key: readonly KeyPart[],
  start = 0,
  hashed = ADDRESS_REGISTERS,
): void {
  let at = start;
  for (const part of key) {
    if (typeof part === "string" || part.kind === "numgen") load(writer, part, registerAt(at));
    else if (part.kind === "source-prefix") loadPrefix(writer, part, at);
    else writeHash(writer, part, hashed, registerAt(at));
    at += partRegisters(part);
  }
}

/** Loads the prefix that a source is in, and behind it its length: no bit of the mark is kept, and those of the length are set. */
function loadPrefix(writer: NetlinkWriter, { of, length }: SourcePrefix, at: number): void {
  const bytes = HEADER_FIELD[of].length;
  load(writer, of, registerAt(at));
  if (length < bytes * 8) {
    writeBitwise(writer, prefixMask(bytes, length), new Uint8Array(bytes), registerAt(at));
  }
  const behind = registerAt(at + bytes / 4);
  loadMeta(writer, nf.NFT_META_MARK, behind);
  writeBitwise(writer, hostBytes(0), hostBytes(length), behind);
}

/** What nft reserves for an address, and for the key of an update: 16 bytes, in 4-byte registers. */
const ADDRESS_REGISTERS = 4;

function writeHash(writer: NetlinkWriter, hash: Hash | AddressHash, from: number, register: number): void {
  const { of, modulus, offset } = hash.kind === "hash"
    ? { of: hash.of, modulus: HASH_MODULUS, offset: 0 }
    : { ...hash, of: [hash.of] };
  loadKey(writer, of, from);
  expression(writer, "hash", () => {
    writer.attributeU32(nf.NFTA_HASH.SREG, registerAt(from));
    writer.attributeU32(nf.NFTA_HASH.DREG, register);
    writer.attributeU32(nf.NFTA_HASH.LEN, keyRegisters(of) * 4);
    writer.attributeU32(nf.NFTA_HASH.MODULUS, modulus);
    writer.attributeU32(nf.NFTA_HASH.SEED, hash.seed);
    writer.attributeU32(nf.NFTA_HASH.OFFSET, offset);
    writer.attributeU32(nf.NFTA_HASH.TYPE, nf.NFT_HASH_JENKINS);
  });
}

/**
 * The number of the register for the `index`-th 4 bytes. As nft does, a 16-byte register where aligned, else a 4-byte
 * one.
 */
function registerAt(index: number): number {
  return index % 4 === 0 ? nf.NFT_REG_1 + index / 4 : nf.NFT_REG32_00 + index;
}

function keyRegisters(key: readonly KeyPart[]): number {
  return key.reduce((sum, part) => sum + partRegisters(part), 0);
}

function partRegisters(part: KeyPart): number {
  return Math.ceil(partBytes(part) / 4);
}

/** Bytes that a part takes in registers. Protocol and numgen have fewer or exactly 4, and fill one register. */
function partBytes(part: KeyPart): number {
  if (part === "ct original ip6 daddr" || part === "ct original ip6 saddr") {
    return HEADER_FIELD["ip6 daddr"].length;
  }
  if (typeof part === "object" && part.kind === "source-prefix") return HEADER_FIELD[part.of].length + 4;
  return typeof part === "string" && isHeaderField(part) ? HEADER_FIELD[part].length : 4;
}

function isHeaderField(selector: Selector): selector is HeaderSelector {
  return selector in HEADER_FIELD;
}

/** Whether connection tracking has the value, and not the packet. */
export function isOriginal(selector: Selector): selector is OriginalAddress {
  return selector.startsWith("ct original ");
}

/** Loads one part of a packet, or a random number, into `register`. */
function load(writer: NetlinkWriter, part: Selector | Numgen, register: number): void {
  if (typeof part !== "string") return loadNumgen(writer, part.modulus, register);
  if (part === "meta l4proto") return loadMeta(writer, nf.NFT_META_L4PROTO, register);
  if (part === "meta priority") return loadMeta(writer, nf.NFT_META_PRIORITY, register);
  if (part === "iifname") return loadMeta(writer, nf.NFT_META_IIFNAME, register);
  if (part === "fib saddr type") return loadFib(writer, nf.NFTA_FIB_F_SADDR, register);
  if (part === "fib daddr type") return loadFib(writer, nf.NFTA_FIB_F_DADDR, register);
  if (isOriginal(part)) return loadOriginal(writer, part, register);
  loadPayload(writer, part, register, HEADER_FIELD[part].length);
}

/** Loads the first `length` bytes of a header field: fewer than all for a prefix of whole bytes. */
function loadPayload(
  writer: NetlinkWriter,
  selector: HeaderSelector,
  register: number,
  length: number,
): void {
  const field = HEADER_FIELD[selector];
  expression(writer, "payload", () => {
    writer.attributeU32(nf.NFTA_PAYLOAD.DREG, register);
    writer.attributeU32(nf.NFTA_PAYLOAD.BASE, field.base);
    writer.attributeU32(nf.NFTA_PAYLOAD.OFFSET, field.offset);
    writer.attributeU32(nf.NFTA_PAYLOAD.LEN, length);
  });
}

function loadMeta(writer: NetlinkWriter, key: number, register: number): void {
  expression(writer, "meta", () => {
    writer.attributeU32(nf.NFTA_META.KEY, key);
    writer.attributeU32(nf.NFTA_META.DREG, register);
  });
}

function loadMark(writer: NetlinkWriter): void {
  loadMeta(writer, nf.NFT_META_MARK, nf.NFT_REG_1);
}

/** Loads an address that connection tracking has for the sender's direction. */
function loadOriginal(writer: NetlinkWriter, selector: OriginalAddress, register: number): void {
  expression(writer, "ct", () => {
    writer.attributeU32(nf.NFTA_CT.KEY, nf.NFT_CT_ADDRESS[selector]);
    writer.attributeU32(nf.NFTA_CT.DREG, register);
    const direction = writer.openBytes(nf.NFTA_CT.DIRECTION);
    writer.u8(nf.IP_CT_DIR_ORIGINAL);
    writer.close(direction);
  });
}

/** Writes register 1 into the packet as one of its addresses. The kernel corrects the checksums. */
function writeAddress(writer: NetlinkWriter, family: Family, address: "saddr" | "daddr"): void {
  const field = HEADER_FIELD[`${family} ${address}`];
  expression(writer, "payload", () => {
    writer.attributeU32(nf.NFTA_PAYLOAD.SREG, nf.NFT_REG_1);
    writer.attributeU32(nf.NFTA_PAYLOAD.BASE, field.base);
    writer.attributeU32(nf.NFTA_PAYLOAD.OFFSET, field.offset);
    writer.attributeU32(nf.NFTA_PAYLOAD.LEN, field.length);
    writer.attributeU32(nf.NFTA_PAYLOAD.CSUM_TYPE, nf.NFT_PAYLOAD_CSUM[family]);
    writer.attributeU32(nf.NFTA_PAYLOAD.CSUM_OFFSET, family === "ip" ? nf.IPV4_CHECKSUM_OFFSET : 0);
    writer.attributeU32(nf.NFTA_PAYLOAD.CSUM_FLAGS, nf.NFT_PAYLOAD_L4CSUM_PSEUDOHDR);
  });
}

/** Writes register 1 into the packet as its destination port, and leaves the checksum. */
function writePort(writer: NetlinkWriter): void {
  const field = HEADER_FIELD["th dport"];
  expression(writer, "payload", () => {
    writer.attributeU32(nf.NFTA_PAYLOAD.SREG, nf.NFT_REG_1);
    writer.attributeU32(nf.NFTA_PAYLOAD.BASE, field.base);
    writer.attributeU32(nf.NFTA_PAYLOAD.OFFSET, field.offset);
    writer.attributeU32(nf.NFTA_PAYLOAD.LEN, field.length);
  });
}

/** Loads the type of an address (RTN_LOCAL ...) from the routing table; `flags` selects source or destination. */
function loadFib(writer: NetlinkWriter, flags: number, register: number): void {
  expression(writer, "fib", () => {
    writer.attributeU32(nf.NFTA_FIB.FLAGS, flags);
    writer.attributeU32(nf.NFTA_FIB.RESULT, nf.NFT_FIB_RESULT_ADDRTYPE);
    writer.attributeU32(nf.NFTA_FIB.DREG, register);
  });
}

function loadNumgen(writer: NetlinkWriter, modulus: number, register: number): void {
  expression(writer, "numgen", () => {
    writer.attributeU32(nf.NFTA_NG.DREG, register);
    writer.attributeU32(nf.NFTA_NG.TYPE, nf.NFT_NG_RANDOM);
    writer.attributeU32(nf.NFTA_NG.MODULUS, modulus);
    writer.attributeU32(nf.NFTA_NG.OFFSET, 0);
  });
}

/** Looks up the key in register 1. `into` receives the data of a map; without it a miss ends the rule. */
function writeLookup(writer: NetlinkWriter, set: string, into?: number): void {
  expression(writer, "lookup", () => {
    writer.attributeU32(nf.NFTA_LOOKUP.SREG, nf.NFT_REG_1);
    if (into !== undefined) writer.attributeU32(nf.NFTA_LOOKUP.DREG, into);
    writer.attributeString(nf.NFTA_LOOKUP.SET, set);
  });
}

/** Matches where a connection tracking value has one of `bits`. */
function writeCtTest(writer: NetlinkWriter, key: number, bits: number): void {
  expression(writer, "ct", () => {
    writer.attributeU32(nf.NFTA_CT.KEY, key);
    writer.attributeU32(nf.NFTA_CT.DREG, nf.NFT_REG_1);
  });
  writeBitwise(writer, hostBytes(bits), hostBytes(0));
  writeCompare(writer, "!=", hostBytes(0));
}

/**
 * Sets or flips `bits` of the mark and keeps the others: `(mark & mask) ^ bits`, the only bitwise form of the kernel.
 */
function writeMarkSet(writer: NetlinkWriter, operator: "|" | "^", bits: number): void {
  loadMark(writer);
  writeBitwise(writer, hostBytes(operator === "|" ? ~bits : 0xffff_ffff), hostBytes(bits));
  writeMeta(writer, nf.NFT_META_MARK);
}

function writePriorityTest(
  writer: NetlinkWriter,
  { mask, operator, value }: Statement & { kind: "priority-test" },
): void {
  load(writer, "meta priority", nf.NFT_REG_1);
  writeBitwise(writer, hostBytes(classidNumber(mask)), hostBytes(0));
  writeCompare(writer, operator, hostBytes(classidNumber(value)));
}

/** Sets a value that the kernel keeps beside the packet to what register 1 has. */
function writeMeta(writer: NetlinkWriter, key: number): void {
  expression(writer, "meta", () => {
    writer.attributeU32(nf.NFTA_META.KEY, key);
    writer.attributeU32(nf.NFTA_META.SREG, nf.NFT_REG_1);
  });
}

/** Sets the packet's trace mark, one byte. */
function writeTraceMark(writer: NetlinkWriter): void {
  expression(writer, "immediate", () => {
    writer.attributeU32(nf.NFTA_IMMEDIATE.DREG, nf.NFT_REG_1);
    writeBytes(writer, nf.NFTA_IMMEDIATE.DATA, Uint8Array.of(1));
  });
  writeMeta(writer, nf.NFT_META_NFTRACE);
}

/** `register = (register & mask) ^ xor`. */
function writeBitwise(
  writer: NetlinkWriter,
  mask: Uint8Array,
  xor: Uint8Array,
  register: number = nf.NFT_REG_1,
): void {
  expression(writer, "bitwise", () => {
    writer.attributeU32(nf.NFTA_BITWISE.SREG, register);
    writer.attributeU32(nf.NFTA_BITWISE.DREG, register);
    writer.attributeU32(nf.NFTA_BITWISE.LEN, mask.length);
    writer.attributeU32(nf.NFTA_BITWISE.OP, 0);
    writeBytes(writer, nf.NFTA_BITWISE.MASK, mask);
    writeBytes(writer, nf.NFTA_BITWISE.XOR, xor);
  });
}

/** Ends the rule unless the bytes in register 1 compare so. */
function writeCompare(writer: NetlinkWriter, operator: "==" | "!=", bytes: Uint8Array): void {
  expression(writer, "cmp", () => {
    writer.attributeU32(nf.NFTA_CMP.SREG, nf.NFT_REG_1);
    writer.attributeU32(nf.NFTA_CMP.OP, operator === "==" ? nf.NFT_CMP_EQ : nf.NFT_CMP_NEQ);
    writeBytes(writer, nf.NFTA_CMP.DATA, bytes);
  });
}

/** An nft_data nest with a value, in which the kernel expects every constant. */
function writeBytes(writer: NetlinkWriter, attribute: number, bytes: Uint8Array): void {
  const nest = writer.openNest(attribute);
  const value = writer.openBytes(nf.NFTA_DATA.VALUE);
  writer.bytes(bytes);
  writer.close(value);
  writer.close(nest);
}

/** A lookup of address and port, which writes both into the registers that the nat expression reads. */
function writeDnat(
  writer: NetlinkWriter,
  family: Family,
  key: readonly KeyPart[],
  map: string,
): void {
  loadKey(writer, key, 0, ADDRESS_REGISTERS + keyRegisters(key));
  writeLookup(writer, map, nf.NFT_REG_1);
  expression(writer, "nat", () => {
    writer.attributeU32(nf.NFTA_NAT.TYPE, nf.NFT_NAT_DNAT);
    writer.attributeU32(nf.NFTA_NAT.FAMILY, nf.NFPROTO[family]);
    writer.attributeU32(nf.NFTA_NAT.REG_ADDR_MIN, nf.NFT_REG_1);
    writer.attributeU32(nf.NFTA_NAT.REG_PROTO_MIN, registerAt(family === "ip" ? 1 : 4));
  });
}

/**
 * Adds an element with the packet's priority as its data to a dynamic map, or deletes it. An update restarts the timeout of an
 * element that exists, and leaves its data.
 */
function writePin(writer: NetlinkWriter, family: Family, pin: Statement & { kind: "pin" | "unpin" }): void {
  const data = registerAt(ADDRESS_REGISTERS);
  loadKey(writer, pin.key);
  load(writer, pin.data === "daddr" ? `${family} daddr` : "meta priority", data);
  expression(writer, "dynset", () => {
    writer.attributeString(nf.NFTA_DYNSET.SET_NAME, pin.map);
    writer.attributeU32(
      nf.NFTA_DYNSET.OP,
      pin.kind === "pin" ? nf.NFT_DYNSET_OP_UPDATE : nf.NFT_DYNSET_OP_DELETE,
    );
    writer.attributeU32(nf.NFTA_DYNSET.SREG_KEY, nf.NFT_REG_1);
    writer.attributeU32(nf.NFTA_DYNSET.SREG_DATA, data);
    if (pin.kind === "unpin") return;
    const timeout = writer.openBytes(nf.NFTA_DYNSET.TIMEOUT);
    // 64 bits of milliseconds; a day of them fits the lower half.
    writer.u32be(0);
    writer.u32be(pin.timeoutSeconds * 1000);
    writer.close(timeout);
  });
}

/** A TCP reset, or ICMP port unreachable, as the kernel itself sends for a closed port. */
function writeReject(writer: NetlinkWriter, family: Family, answer: "port-unreachable" | "tcp-reset"): void {
  expression(writer, "reject", () => {
    if (answer === "tcp-reset") return writer.attributeU32(nf.NFTA_REJECT.TYPE, nf.NFT_REJECT_TCP_RST);
    writer.attributeU32(nf.NFTA_REJECT.TYPE, nf.NFT_REJECT_ICMP_UNREACH);
    const code = writer.openBytes(nf.NFTA_REJECT.ICMP_CODE);
    writer.u8(PORT_UNREACHABLE[family]);
    writer.close(code);
  });
}

/** 32 bits in host order, as marks, states and address types are in registers. */
function hostBytes(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}
