// Reads netlink messages and attributes from a received buffer without copying them: a value is valid as long as the
// buffer is not reused.

import { assert } from "../invariant.ts";
import { NFGEN_HEADER_BYTES, NLA_TYPE_MASK, NLMSG_HEADER_BYTES } from "./nf_tables.ts";

/** One message: the fields of its nlmsghdr, and the bytes after it. */
export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  /** Port of the socket whose request caused the message. */
  readonly port: number;
  readonly payload: Uint8Array;
}

/** Attributes of one nest by type. Where a type is repeated the last one counts, as in the kernel. */
export type Attributes = ReadonlyMap<number, Uint8Array>;

const decoder = new TextDecoder();

/** The messages of one datagram. */
export function messages(datagram: Uint8Array): NetlinkMessage[] {
  const found: NetlinkMessage[] = [];
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
  let at = 0;
  while (at + NLMSG_HEADER_BYTES <= datagram.length) {
    const length = view.getUint32(at, true);
    assert(
      length >= NLMSG_HEADER_BYTES && at + length <= datagram.length,
      () => `netlink message of ${length} bytes`,
    );
    found.push({
      type: view.getUint16(at + 4, true),
      flags: view.getUint16(at + 6, true),
      sequence: view.getUint32(at + 8, true),
      port: view.getUint32(at + 12, true),
      payload: datagram.subarray(at + NLMSG_HEADER_BYTES, at + length),
    });
    at += (length + 3) & ~3;
  }
  return found;
}

/** All attributes in `bytes`, in order, also repeated types. */
export function* attributeList(bytes: Uint8Array): Generator<readonly [type: number, value: Uint8Array]> {
  let at = 0;
  while (at + ATTRIBUTE_HEADER_BYTES <= bytes.length) {
    const end = attributeEnd(bytes, at);
    yield [attributeType(bytes, at), bytes.subarray(at + ATTRIBUTE_HEADER_BYTES, end)];
    at = (end + 3) & ~3;
  }
}

/**
 * The attributes in `bytes` by type. A listing calls this for each element, so it does not use the slower generator.
 */
export function attributes(bytes: Uint8Array): Attributes {
  const found = new Map<number, Uint8Array>();
  let at = 0;
  while (at + ATTRIBUTE_HEADER_BYTES <= bytes.length) {
    const end = attributeEnd(bytes, at);
    found.set(attributeType(bytes, at), bytes.subarray(at + ATTRIBUTE_HEADER_BYTES, end));
    at = (end + 3) & ~3;
  }
  return found;
}

/** A nlattr begins with its length, header included, and its type. */
const ATTRIBUTE_HEADER_BYTES = 4;

function attributeType(bytes: Uint8Array, at: number): number {
  return (bytes[at + 2]! | (bytes[at + 3]! << 8)) & NLA_TYPE_MASK;
}

function attributeEnd(bytes: Uint8Array, at: number): number {
  const length = bytes[at]! | (bytes[at + 1]! << 8);
  const end = at + length;
  assert(
    length >= ATTRIBUTE_HEADER_BYTES && end <= bytes.length,
    () => `netlink attribute of ${length} bytes`,
  );
  return end;
}

/** The attributes of an nf_tables message, after its nfgenmsg. */
export function messageAttributes(message: NetlinkMessage): Attributes {
  return attributes(message.payload.subarray(NFGEN_HEADER_BYTES));
}

/** Big-endian 32-bit number of attribute `type`, or undefined. */
export function u32(attributes: Attributes, type: number): number | undefined {
  const bytes = attributes.get(type);
  return bytes === undefined ? undefined : readU32(bytes);
}

/** Big-endian 32-bit number at the start of `bytes`. */
function readU32(bytes: Uint8Array): number {
  return ((bytes[0]! << 24) | (bytes[1]! << 16) | (bytes[2]! << 8) | bytes[3]!) >>> 0;
}

/** Big-endian 64-bit number of attribute `type` as decimal text; "" when absent. */
export function u64(attributes: Attributes, type: number): string {
  const bytes = attributes.get(type);
  return bytes === undefined ? "" : String(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0));
}

/** NUL-terminated string of attribute `type`; "" when absent. */
export function text(attributes: Attributes, type: number): string {
  const bytes = attributes.get(type);
  return bytes === undefined ? "" : readText(bytes);
}

/** The string in `bytes` up to its first NUL. */
export function readText(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return decoder.decode(end < 0 ? bytes : bytes.subarray(0, end));
}

/** The attributes nested in attribute `type`; empty when absent. */
export function nested(outer: Attributes, type: number): Attributes {
  const bytes = outer.get(type);
  return bytes === undefined ? new Map() : attributes(bytes);
}
