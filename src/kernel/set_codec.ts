// Definitions of sets and maps, and their elements: between the model and nf_tables attributes. The kernel stores user
// data for nft (libnftnl udata.h). It is written here too: nft prints a key with a slot wrongly without its typeof.

import { Buffer } from "node:buffer";
import {
  canonicalKey,
  type Container,
  type Element,
  type ElementKey,
  type SetDefinition,
} from "../nft/ruleset.ts";
import { assert } from "../invariant.ts";
import { DATA_TYPES, type DataType } from "../nft/data_type.ts";
import {
  addressAfter,
  addressBefore,
  concatenationBytes,
  dataBytes,
  intervalBounds,
  intervalKey,
  lastAddress,
  readConcatenation,
  writeConcatenation,
} from "./data_codec.ts";
import {
  NFT_META_L4PROTO,
  NFT_META_PRIORITY,
  NFT_NG_RANDOM,
  NFT_SET_CONCAT,
  NFT_SET_ELEM_INTERVAL_END,
  NFT_SET_MAP,
  NFTA_COUNTER,
  NFTA_DATA,
  NFTA_EXPR,
  NFTA_LIST_ELEM,
  NFTA_SET,
  NFTA_SET_DESC_CONCAT,
  NFTA_SET_DESC_SIZE,
  NFTA_SET_ELEM,
  NFTA_SET_FIELD_LEN,
  SET_FLAG_BITS,
} from "./nf_tables.ts";
import { type Attributes, nested, readText, text, u32, u64 } from "./netlink_reader.ts";
import type { NetlinkWriter } from "./netlink_writer.ts";
import { readVerdict, writeVerdict } from "./verdict_codec.ts";
import { SLOT_MODULUS_MAX } from "../limits/rules.ts";
import { parseVerdict, verdictText } from "../nft/statement.ts";

/** nft's numbers of the data types (nftables datatype.h). The kernel stores them, and only nft reads them. */
const TYPE_NUMBER: Readonly<Record<DataType, number>> = {
  slot: 4,
  ipv4_addr: 7,
  ipv6_addr: 8,
  inet_proto: 12,
  inet_service: 13,
  mark: 19,
  classid: 23,
};
const TYPE_BY_NUMBER = new Map(DATA_TYPES.map((type) => [TYPE_NUMBER[type], type]));
const FLAGS = ["interval", "dynamic"] as const;
/** Bits of each type in the number of a concatenation (nftables TYPE_BITS). */
const TYPE_BITS = 6;
/** Data type of verdict maps: NFT_DATA_VERDICT. */
const VERDICT_TYPE = 0xffffff00;

/** Types of user data in a set (libnftnl enum nftnl_udata_set_types) and in an element or rule (comment). */
const UDATA_SET = { KEY_BYTEORDER: 0, DATA_BYTEORDER: 1, KEY_TYPEOF: 3, DATA_TYPEOF: 4, COMMENT: 7 } as const;
const UDATA_COMMENT = 0;
/** The name of the expression that counts packets and bytes. */
const COUNTER = "counter";
/** nft's enum byteorder. That of a concatenation is `invalid`. */
const BYTEORDER = { invalid: 0, host: 1, big: 2 } as const;
/** nft's enum expr_types, and the numbers that it stores for a payload field: protocol description and field index. */
const EXPRESSION = { payload: 7, meta: 9, concat: 13, numgen: 23 } as const;
const FIELD = {
  ipv4_addr: { description: 12, field: 12 },
  ipv6_addr: { description: 13, field: 9 },
  inet_service: { description: 11, field: 2 },
} as const;

/** Writes the attributes of NFT_MSG_NEWSET except the table's name. `id` is unique in the batch. */
export function writeSet(writer: NetlinkWriter, set: Container, id: number): void {
  writer.attributeString(NFTA_SET.NAME, set.name);
  writer.attributeU32(NFTA_SET.FLAGS, flagBits(set) | (set.kind === "map" ? NFT_SET_MAP : 0));
  writer.attributeU32(NFTA_SET.KEY_TYPE, typeNumber(set.key));
  writer.attributeU32(NFTA_SET.KEY_LEN, concatenationBytes(set.key));
  if (set.kind === "map") {
    const { value } = set;
    writer.attributeU32(NFTA_SET.DATA_TYPE, value === "verdict" ? VERDICT_TYPE : typeNumber(value));
    writer.attributeU32(NFTA_SET.DATA_LEN, value === "verdict" ? 0 : concatenationBytes(value));
  }
  writer.attributeU32(NFTA_SET.ID, id);
  if (set.flag === "interval" && set.key.length > 1) writeFields(writer, set.key);
  if (set.kind === "map" && set.size !== undefined) writeSize(writer, set.size);
  if (set.kind === "map" && set.counter) writeCounter(writer);
  const userData = writer.openBytes(NFTA_SET.USERDATA);
  writeSetUserData(writer, set);
  writer.close(userData);
}

/** The flags of a set. The kernel requires NFT_SET_CONCAT for intervals with more than one part. */
function flagBits({ flag, key }: Pick<SetDefinition, "flag" | "key">): number {
  if (flag === undefined) return 0;
  return SET_FLAG_BITS[flag] | (flag === "interval" && key.length > 1 ? NFT_SET_CONCAT : 0);
}

/** Writes the length of each part: the kernel needs them to compare intervals part by part. */
function writeFields(writer: NetlinkWriter, key: readonly DataType[]): void {
  const description = writer.openNest(NFTA_SET.DESC);
  const fields = writer.openNest(NFTA_SET_DESC_CONCAT);
  for (const type of key) {
    const field = writer.openNest(NFTA_LIST_ELEM);
    writer.attributeU32(NFTA_SET_FIELD_LEN, dataBytes(type));
    writer.close(field);
  }
  writer.close(fields);
  writer.close(description);
}

function writeSize(writer: NetlinkWriter, size: number): void {
  const description = writer.openNest(NFTA_SET.DESC);
  writer.attributeU32(NFTA_SET_DESC_SIZE, size);
  writer.close(description);
}

/** Every element gets a copy of this expression (Linux 5.11), and a lookup that finds it evaluates it. */
function writeCounter(writer: NetlinkWriter): void {
  const expression = writer.openNest(NFTA_SET.EXPR);
  writer.attributeString(NFTA_EXPR.NAME, COUNTER);
  writer.close(writer.openNest(NFTA_EXPR.DATA));
  writer.close(expression);
}

/** The set or map in the attributes of NFT_MSG_NEWSET, or the reason why it is none of this program's. */
export function readSet(attributes: Attributes): Container | string {
  const name = text(attributes, NFTA_SET.NAME);
  const flags = u32(attributes, NFTA_SET.FLAGS) ?? 0;
  const key = typesOf(u32(attributes, NFTA_SET.KEY_TYPE) ?? 0);
  if (key === undefined) return `set ${name} has an unknown key type`;
  // nf_tables stores the type for nft alone: a program can give a length that is not the type's.
  const keyBytes = u32(attributes, NFTA_SET.KEY_LEN);
  if (keyBytes !== concatenationBytes(key)) return `set ${name} has keys of ${keyBytes} bytes`;
  const flag = FLAGS.find((flag) => flagBits({ flag, key }) === (flags & ~NFT_SET_MAP));
  if ((flags & ~NFT_SET_MAP) !== 0 && flag === undefined) {
    return `set ${name} has flags 0x${flags.toString(16)}`;
  }
  if (flag === "interval" && key.length === 1 && !key[0]!.endsWith("_addr")) {
    return `set ${name} has intervals of ${key[0]}`;
  }
  const counter = attributes.has(NFTA_SET.EXPR);
  if (counter && ((flags & NFT_SET_MAP) === 0 || !isCounter(nested(attributes, NFTA_SET.EXPR)))) {
    return `set ${name} has an expression for each element`;
  }
  const comment = udata(attributes.get(NFTA_SET.USERDATA)).get(UDATA_SET.COMMENT);
  const common = { name, key, ...(comment ? { comment: readText(comment) } : {}) };
  if ((flags & NFT_SET_MAP) === 0) return { kind: "set", ...common, ...(flag ? { flag } : {}) };
  const dataType = u32(attributes, NFTA_SET.DATA_TYPE) ?? 0;
  const value = dataType === VERDICT_TYPE ? "verdict" : typesOf(dataType);
  if (value === undefined) return `map ${name} has an unknown value type`;
  const valueBytes = u32(attributes, NFTA_SET.DATA_LEN);
  if (value !== "verdict" && valueBytes !== concatenationBytes(value)) {
    return `map ${name} has values of ${valueBytes} bytes`;
  }
  if (flag === "interval") return `map ${name} has intervals`;
  const size = attributes.has(NFTA_SET.DESC)
    ? u32(nested(attributes, NFTA_SET.DESC), NFTA_SET_DESC_SIZE)
    : undefined;
  return {
    kind: "map",
    ...common,
    value,
    ...(flag === undefined ? {} : { flag }),
    ...(flag === undefined || size === undefined ? {} : { size }),
    ...(counter ? { counter } : {}),
  };
}

/** How many packets have found the element in the attributes of NFTA_LIST_ELEM; undefined where it has no counter. */
export function readCount(attributes: Attributes): number | undefined {
  if (!attributes.has(NFTA_SET_ELEM.EXPR)) return undefined;
  const expression = nested(attributes, NFTA_SET_ELEM.EXPR);
  return isCounter(expression)
    ? Number(u64(nested(expression, NFTA_EXPR.DATA), NFTA_COUNTER.PACKETS))
    : undefined;
}

function isCounter(expression: Attributes): boolean {
  return text(expression, NFTA_EXPR.NAME) === COUNTER;
}

/**
 * Whether keys of `set` are single prefixes. The kernel stores each as two elements: its first key, and the key after
 * it.
 */
export function isPlainInterval(set: Container): boolean {
  return set.kind === "set" && set.flag === "interval" && set.key.length === 1;
}

/**
 * Writes one element as NFTA_LIST_ELEM, or two for a plain interval. A deletion (`withValue` false) has the key alone.
 */
export function writeElement(
  writer: NetlinkWriter,
  set: Container,
  element: Element,
  withValue: boolean,
): void {
  const interval = set.kind === "set" && set.flag === "interval";
  const [first, last] = interval ? intervalBounds(set.key, element.key) : [element.key];
  const plain = isPlainInterval(set);
  const list = writer.openNest(NFTA_LIST_ELEM);
  writeKey(writer, NFTA_SET_ELEM.KEY, set.key, first);
  if (last !== undefined && !plain) writeKey(writer, NFTA_SET_ELEM.KEY_END, set.key, last);
  if (withValue && set.kind === "map") writeValue(writer, set.value, element.value!);
  if (withValue && element.comment !== undefined) {
    writeComment(writer, NFTA_SET_ELEM.USERDATA, element.comment);
  }
  writer.close(list);
  const after = plain ? addressAfter(set.key[0]!, last!) : undefined;
  if (after === undefined) return;
  const end = writer.openNest(NFTA_LIST_ELEM);
  writeKey(writer, NFTA_SET_ELEM.KEY, set.key, after);
  writer.attributeU32(NFTA_SET_ELEM.FLAGS, NFT_SET_ELEM_INTERVAL_END);
  writer.close(end);
}

/** Writes a key, or the last key of an interval, as `attribute`. */
function writeKey(writer: NetlinkWriter, attribute: number, types: readonly DataType[], key: string): void {
  const nest = writer.openNest(attribute);
  const value = writer.openBytes(NFTA_DATA.VALUE);
  writeConcatenation(writer, types, key);
  writer.close(value);
  writer.close(nest);
}

/** Writes the value of a map's element: a verdict, or data. */
function writeValue(writer: NetlinkWriter, type: "verdict" | readonly DataType[], value: string): void {
  const data = writer.openNest(NFTA_SET_ELEM.DATA);
  if (type === "verdict") writeVerdict(writer, parseVerdict(value));
  else {
    const bytes = writer.openBytes(NFTA_DATA.VALUE);
    writeConcatenation(writer, type, value);
    writer.close(bytes);
  }
  writer.close(data);
}

/** The element of `set` in the attributes of NFTA_LIST_ELEM, or the reason why it is none of this program's. */
export function readElement(set: Container, attributes: Attributes): Element | string {
  const key = readKey(set, attributes);
  if (key === undefined) return withoutKey(set);
  const comment = readComment(attributes.get(NFTA_SET_ELEM.USERDATA));
  const rest = comment === undefined ? {} : { comment };
  if (set.kind === "set") return { key, ...rest };
  const data = nested(attributes, NFTA_SET_ELEM.DATA);
  if (set.value === "verdict") {
    const verdict = readVerdict(data);
    if (typeof verdict === "string") return `an element of map ${set.name} with ${verdict}`;
    return { key, value: verdictText(verdict), ...rest };
  }
  const bytes = bytesOf(set.value, data);
  if (bytes === undefined) return `an element of map ${set.name} with another kind of value`;
  return { key, value: readConcatenation(set.value, bytes), ...rest };
}

function withoutKey({ name }: Container): string {
  return `an element of set ${name} that is neither a key nor a prefix`;
}

/** The bytes in an nft_data nest; undefined where they are not as many as `types` have. */
function bytesOf(types: readonly DataType[], data: Attributes): Uint8Array | undefined {
  const bytes = data.get(NFTA_DATA.VALUE);
  return bytes?.length === concatenationBytes(types) ? bytes : undefined;
}

/** As {@link readElement}, for the elements of a set of plain intervals, which the kernel lists in any order. */
export function readIntervals(set: Container, listed: readonly Attributes[]): Element[] | string {
  const type = set.key[0]!;
  const isEnd = (attributes: Attributes) =>
    ((u32(attributes, NFTA_SET_ELEM.FLAGS) ?? 0) & NFT_SET_ELEM_INTERVAL_END) !== 0;
  const bound = (attributes: Attributes) => bytesOf(set.key, nested(attributes, NFTA_SET_ELEM.KEY));
  if (listed.some((attributes) => bound(attributes) === undefined)) return withoutKey(set);
  // Where one interval ends and another begins, the end comes first.
  const sorted = [...listed].sort((a, b) =>
    Buffer.compare(bound(a)!, bound(b)!) || Number(isEnd(b)) - Number(isEnd(a))
  );
  const elements: Element[] = [];
  for (const [i, attributes] of sorted.entries()) {
    if (isEnd(attributes)) continue;
    const element = readElement(set, attributes);
    if (typeof element === "string") return element;
    const next = sorted[i + 1];
    if (next !== undefined && !isEnd(next)) return `an interval of set ${set.name} without an end`;
    const last = next === undefined
      ? lastAddress(type)
      : addressBefore(type, readConcatenation(set.key, bound(next)!));
    const key = intervalKey(set.key, element.key, last);
    if (key === undefined) return `an interval of set ${set.name} that is no prefix`;
    elements.push({ ...element, key });
  }
  return elements;
}

/** The key of an element; undefined for an interval that is no prefix, and for the element `*`, which has none. */
function readKey({ key }: Container, attributes: Attributes): ElementKey | undefined {
  const first = bytesOf(key, nested(attributes, NFTA_SET_ELEM.KEY));
  if (first === undefined) return undefined;
  if (!attributes.has(NFTA_SET_ELEM.KEY_END)) return canonicalKey(readConcatenation(key, first));
  const last = bytesOf(key, nested(attributes, NFTA_SET_ELEM.KEY_END));
  return last && intervalKey(key, readConcatenation(key, first), readConcatenation(key, last));
}

/** Writes `comment` as user data of a table, chain, rule or element. */
export function writeComment(writer: NetlinkWriter, attribute: number, comment: string): void {
  const token = writer.openBytes(attribute);
  writeUdata(writer, UDATA_COMMENT, (inner) => {
    inner.text(comment);
    inner.u8(0);
  });
  writer.close(token);
}

/** The comment in user data of a table, chain, rule or element. */
export function readComment(userData: Uint8Array | undefined): string | undefined {
  const comment = udata(userData).get(UDATA_COMMENT);
  return comment === undefined ? undefined : readText(comment);
}

/** nft's number of a concatenation: the numbers of its types, {@link TYPE_BITS} each, the first the highest. */
function typeNumber(types: readonly DataType[]): number {
  return types.reduce((number, type) => number * (1 << TYPE_BITS) + TYPE_NUMBER[type], 0);
}

/** The inverse of {@link typeNumber}; undefined where a type is unknown. */
function typesOf(number: number): DataType[] | undefined {
  const types: DataType[] = [];
  for (let rest = number; rest > 0; rest = Math.floor(rest / (1 << TYPE_BITS))) {
    const type = TYPE_BY_NUMBER.get(rest % (1 << TYPE_BITS));
    if (type === undefined) return undefined;
    types.unshift(type);
  }
  return types.length === 0 ? undefined : types;
}

/** User data that nft needs to print the set as it was declared. */
function writeSetUserData(writer: NetlinkWriter, set: Container): void {
  const number = (type: number, value: number) => writeUdata(writer, type, (inner) => inner.u32host(value));
  number(UDATA_SET.KEY_BYTEORDER, byteorder(set.key));
  if (set.kind === "map") {
    number(UDATA_SET.DATA_BYTEORDER, set.value === "verdict" ? BYTEORDER.invalid : byteorder(set.value));
  }
  if (set.key.includes("slot")) {
    writeUdata(writer, UDATA_SET.KEY_TYPEOF, (inner) => writeConcatTypeof(inner, set.key));
    if (set.kind === "map" && set.value !== "verdict") {
      const { value } = set;
      writeUdata(writer, UDATA_SET.DATA_TYPEOF, (inner) => writeConcatTypeof(inner, value));
    }
  }
  if (set.comment !== undefined) {
    writeUdata(writer, UDATA_SET.COMMENT, (inner) => {
      inner.text(set.comment!);
      inner.u8(0);
    });
  }
}

const HOST_ORDER: ReadonlySet<DataType> = new Set(["mark", "classid", "slot"]);

/** The byte order of a key or value, which nft needs to print it. */
function byteorder(types: readonly DataType[]): number {
  if (types.length > 1) return BYTEORDER.invalid;
  return HOST_ORDER.has(types[0]!) ? BYTEORDER.host : BYTEORDER.big;
}

/** The typeof of a concatenation: the expression of each part under its index (nft's expr_ops.build_udata). */
function writeConcatTypeof(writer: NetlinkWriter, types: readonly DataType[]): void {
  if (types.length === 1) return writePartTypeof(writer, types[0]!);
  writeTypeof(writer, EXPRESSION.concat, (parts) => {
    types.forEach((type, i) => writeUdata(parts, i, (part) => writePartTypeof(part, type)));
  });
}

/** The expression that names one part: its kind, and the numbers that identify it among that kind. */
function writePartTypeof(writer: NetlinkWriter, type: DataType): void {
  const numbers = (...values: readonly number[]) => (inner: NetlinkWriter) =>
    values.forEach((value, i) => writeUdata(inner, i, (field) => field.u32host(value)));
  if (type === "slot") {
    return writeTypeof(writer, EXPRESSION.numgen, numbers(NFT_NG_RANDOM, SLOT_MODULUS_MAX, 0));
  }
  if (type === "inet_proto") return writeTypeof(writer, EXPRESSION.meta, numbers(NFT_META_L4PROTO));
  if (type === "classid") return writeTypeof(writer, EXPRESSION.meta, numbers(NFT_META_PRIORITY));
  assert(type !== "mark", "no key with a slot has a mark");
  const field = FIELD[type];
  return writeTypeof(writer, EXPRESSION.payload, numbers(field.description, field.field));
}

/** An expression in user data: entry 0 is its kind, entry 1 its own data. */
function writeTypeof(writer: NetlinkWriter, expression: number, fill: (inner: NetlinkWriter) => void): void {
  writeUdata(writer, 0, (inner) => inner.u32host(expression));
  writeUdata(writer, 1, fill);
}

/** One user data entry, whose content `fill` writes. */
function writeUdata(writer: NetlinkWriter, type: number, fill: (inner: NetlinkWriter) => void): void {
  const token = writer.openUserData(type);
  fill(writer);
  writer.closeUserData(token);
}

/** The entries of user data by type. A truncated entry of another program is cut, not an error. */
function udata(bytes: Uint8Array | undefined): Map<number, Uint8Array> {
  const entries = new Map<number, Uint8Array>();
  if (bytes === undefined) return entries;
  for (let at = 0; at + 2 <= bytes.length; at += 2 + bytes[at + 1]!) {
    entries.set(bytes[at]!, bytes.subarray(at + 2, at + 2 + bytes[at + 1]!));
  }
  return entries;
}
