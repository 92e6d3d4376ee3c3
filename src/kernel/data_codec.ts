// Keys and values: between nft's canonical text and the bytes that the kernel compares. Each part of a concatenation is
// padded to 4 bytes; a single part is not.

import { unreachable } from "../invariant.ts";
import { addressOfBytes, ipv4Number, ipv6Bytes } from "../nft/address_bytes.ts";
import {
  classidNumber,
  classidText,
  CONCATENATION,
  concatenationParts,
  type DataType,
  markText,
  prefixParts,
} from "../nft/data_type.ts";
import { type ElementKey, elementKey } from "../nft/ruleset.ts";
import type { NetlinkWriter } from "./netlink_writer.ts";

const PROTOCOL_NUMBER: Readonly<Record<string, number>> = { tcp: 6, udp: 17, sctp: 132 };
const PROTOCOL_NAME: ReadonlyMap<number, string> = new Map([[6, "tcp"], [17, "udp"], [132, "sctp"]]);

/** Bytes of one value of `type`, without padding. */
export function dataBytes(type: DataType): number {
  switch (type) {
    case "ipv4_addr":
    case "mark":
    case "classid":
    case "slot":
      return 4;
    case "ipv6_addr":
      return 16;
    case "inet_service":
      return 2;
    case "inet_proto":
      return 1;
    default:
      return unreachable(type);
  }
}

/** Bytes of a key or value of `types`. */
export function concatenationBytes(types: readonly DataType[]): number {
  if (types.length === 1) return dataBytes(types[0]!);
  return types.reduce((sum, type) => sum + ((dataBytes(type) + 3) & ~3), 0);
}

/** Writes the canonical `text` of `types`. */
export function writeConcatenation(writer: NetlinkWriter, types: readonly DataType[], text: string): void {
  if (types.length === 1) return writeData(writer, types[0]!, text, 0, text.length);
  let at = 0;
  for (const type of types) {
    const found = text.indexOf(CONCATENATION, at);
    const end = found < 0 ? text.length : found;
    writeData(writer, type, text, at, end);
    writer.pad();
    at = end + CONCATENATION.length;
  }
}

/** The canonical text of `types` in `bytes`. */
export function readConcatenation(types: readonly DataType[], bytes: Uint8Array): string {
  if (types.length === 1) return readData(types[0]!, bytes);
  let at = 0;
  let text = "";
  for (const type of types) {
    if (at > 0) text += CONCATENATION;
    text += readData(type, bytes.subarray(at));
    at += (dataBytes(type) + 3) & ~3;
  }
  return text;
}

/** Writes the part of `text` from `at` to `end`. A protocol of another program can be a number. */
function writeData(writer: NetlinkWriter, type: DataType, text: string, at: number, end: number): void {
  switch (type) {
    case "ipv4_addr":
      return writer.u32be(ipv4Number(text, at, end));
    case "ipv6_addr":
      return writer.bytes(ipv6Bytes(text.slice(at, end)));
    case "inet_proto":
      return writer.u8(protocolNumber(text, at, end));
    case "inet_service":
      return writer.u16be(decimalNumber(text, at, end));
    case "mark":
      return writer.u32host(Number(text.slice(at, end)));
    case "slot":
      return writer.u32host(decimalNumber(text, at, end));
    case "classid":
      return writer.u32host(classidNumber(text.slice(at, end)));
    default:
      return unreachable(type);
  }
}

function protocolNumber(text: string, at: number, end: number): number {
  // Nearly every frontend is one of TCP.
  if (text.startsWith("tcp", at)) return PROTOCOL_NUMBER["tcp"]!;
  const protocol = text.slice(at, end);
  return PROTOCOL_NUMBER[protocol] ?? Number(protocol);
}

/** The number that the digits from `at` to `end` spell: an element has three, and no text is made for each. */
function decimalNumber(text: string, at: number, end: number): number {
  let number = 0;
  for (let i = at; i < end; i++) number = number * 10 + text.charCodeAt(i) - 48;
  return number;
}

/** The text of the part at the start of `bytes`. */
function readData(type: DataType, bytes: Uint8Array): string {
  switch (type) {
    case "ipv4_addr":
      return addressOfBytes(bytes.subarray(0, 4));
    case "ipv6_addr":
      return addressOfBytes(bytes.subarray(0, 16));
    case "inet_proto":
      return PROTOCOL_NAME.get(bytes[0]!) ?? String(bytes[0]);
    case "inet_service":
      return String((bytes[0]! << 8) | bytes[1]!);
    case "mark":
      return markText(hostU32(bytes));
    case "classid":
      return classidText(hostU32(bytes));
    case "slot":
      return String(hostU32(bytes));
    default:
      return unreachable(type);
  }
}

/** A 32-bit number in host order at the start of `bytes`. */
export function hostU32(bytes: Uint8Array): number {
  return (bytes[0]! | (bytes[1]! << 8) | (bytes[2]! << 16) | (bytes[3]! << 24)) >>> 0;
}

/** First and last key of an interval, both included: `10.0.0.0/8 . tcp` begins at `10.0.0.0 . tcp`. */
export function intervalBounds(types: readonly DataType[], key: string): [first: string, last: string] {
  const bounds = concatenationParts(key).map((part, i) => partBounds(types[i]!, part));
  return [
    bounds.map(([first]) => first).join(CONCATENATION),
    bounds.map(([, last]) => last).join(CONCATENATION),
  ];
}

/** First and last value of a prefix; a single value is both. */
function partBounds(type: DataType, part: string): [string, string] {
  const [address, length] = prefixParts(part);
  if (length === undefined) return [part, part];
  const bytes = addressBytes(type, address);
  for (let bit = Number(length); bit < bytes.length * 8; bit++) bytes[bit >> 3]! |= 0x80 >> (bit & 7);
  return [address, readData(type, bytes)];
}

/** The next address; undefined after the last one. */
export function addressAfter(type: DataType, address: string): string | undefined {
  return neighbour(type, address, 1, 255);
}

/** The previous address. `address` is not the first one. */
export function addressBefore(type: DataType, address: string): string {
  return neighbour(type, address, -1, 0)!;
}

/** The last address of `type`. */
export function lastAddress(type: DataType): string {
  return readData(type, new Uint8Array(dataBytes(type)).fill(255));
}

/** The address one above or below: `carried` is the byte from which the carry goes on to the next one. */
function neighbour(type: DataType, address: string, step: 1 | -1, carried: number): string | undefined {
  const bytes = addressBytes(type, address);
  let at = bytes.length - 1;
  while (at >= 0 && bytes[at] === carried) bytes[at--] = 255 - carried;
  if (at < 0) return undefined;
  bytes[at]! += step;
  return readData(type, bytes);
}

/** The inverse of {@link intervalBounds}; undefined where the bounds are not those of prefixes. */
export function intervalKey(types: readonly DataType[], first: string, last: string): ElementKey | undefined {
  const [from, to] = [concatenationParts(first), concatenationParts(last)];
  const parts = types.map((type, i) => partText(type, from[i]!, to[i]!));
  return parts.every((part) => part !== undefined) ? elementKey(parts) : undefined;
}

/** The prefix from `first` to `last`; undefined where the range is not one. */
function partText(type: DataType, first: string, last: string): string | undefined {
  if (first === last) return first;
  if (!type.endsWith("_addr")) return undefined;
  const [from, to] = [bits(addressBytes(type, first)), bits(addressBytes(type, last))];
  const length = [...from].findIndex((bit, i) => bit !== to[i]);
  const isPrefix = /^0+$/.test(from.slice(length)) && /^1+$/.test(to.slice(length));
  return isPrefix ? `${first}/${length}` : undefined;
}

function bits(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
}

function addressBytes(type: DataType, address: string): Uint8Array {
  if (type === "ipv6_addr") return ipv6Bytes(address);
  return Uint8Array.from(address.split("."), Number);
}
