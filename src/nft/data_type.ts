// The data types of keys and values of our sets and maps, named as in nft, and the canonical text of each: the text
// that nft prints. All text is canonical, so equal values are equal strings. Why text and not bytes: ledger, digest,
// history and messages all need the text, and the kernel's codec makes bytes of it once, at the end.

import { assert } from "../invariant.ts";
import { SLOT_MODULUS_MAX } from "../limits/rules.ts";

/** Address family of a table. As in kube-proxy there are two tables, one a family, and no `inet` table. */
export type Family = "ip" | "ip6";

/** Both families, in the order in which tables are written and listed. */
export const FAMILIES: readonly Family[] = ["ip", "ip6"];

/** Transport protocols that a Service port can have. */
export type Protocol = "tcp" | "udp" | "sctp";

/** Every {@link DataType}. */
export const DATA_TYPES: readonly DataType[] = [
  "ipv4_addr",
  "ipv6_addr",
  "inet_proto",
  "inet_service",
  "mark",
  "classid",
  "slot",
];

/**
 * One part of a key or a value. All but `slot` are nft's names (nft(8), DATA TYPES); `slot` is the integer drawn by
 * `numgen random`, which nft can only name through `typeof`.
 */
export type DataType =
  | "ipv4_addr"
  | "ipv6_addr"
  | "inet_proto"
  | "inet_service"
  | "mark"
  | "classid"
  | "slot";

/**
 * A host address in canonical text: dotted quad, or RFC 5952. `parseAddress` (kube/address.ts) makes it of other text.
 */
export type Address = string & { readonly __brand: "Address" };

/**
 * `text` as an Address, unchecked: it comes from a parser, an element or the kernel's codec, which write the canonical
 * form. A check here would be paid for each endpoint of each event.
 */
export function canonicalAddress(text: string): Address {
  return text as Address;
}

const PROTOCOLS: ReadonlySet<string> = new Set(["tcp", "udp", "sctp"]);
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;
const IPV6 = /^[0-9a-f:]+(?:\d+\.\d+\.\d+\.\d+)?$/;
const DECIMAL = /^(?:0|[1-9]\d{0,9})$/;
const MARK = /^0x[0-9a-f]{8}$/;
const CLASSID = /^(?:none|root|(?!0:0$|ffff:ffff$)(?:0|[1-9a-f][0-9a-f]{0,3}):(?:0|[1-9a-f][0-9a-f]{0,3}))$/;

/** Whether `text` has the canonical form of `type`. IPv6 text is checked for its alphabet and for a colon only. */
export function isCanonical(type: DataType, text: string): boolean {
  switch (type) {
    case "ipv4_addr":
      return IPV4.test(text);
    case "ipv6_addr":
      return text.includes(":") && IPV6.test(text);
    case "inet_proto":
      return PROTOCOLS.has(text);
    case "inet_service":
      return DECIMAL.test(text) && Number(text) <= 0xffff;
    case "mark":
      return MARK.test(text);
    case "classid":
      return CLASSID.test(text);
    case "slot":
      return DECIMAL.test(text) && Number(text) < SLOT_MODULUS_MAX;
  }
}

/** How many bits an address of each family has. */
export const ADDRESS_BITS: Readonly<Record<Family, number>> = { ip: 32, ip6: 128 };

/** `number` as a value of the type mark. */
export function markText(number: number): string {
  return `0x${number.toString(16).padStart(8, "0")}`;
}

/** `number` as a value of the type classid, which the priority of a packet has: `e400:30`; 0 is `none`, and all bits are `root`. */
export function classidText(number: number): string {
  if (number === 0) return "none";
  if (number === 0xffff_ffff) return "root";
  return `${(number >>> 16).toString(16)}:${(number & 0xffff).toString(16)}`;
}

/** The inverse of {@link classidText}. */
export function classidNumber(text: string): number {
  if (text === "none") return 0;
  if (text === "root") return 0xffff_ffff;
  const [major = "", minor = ""] = text.split(":");
  return parseInt(major, 16) * 0x1_0000 + parseInt(minor, 16);
}

const PREFIX_LENGTH_MAX: Readonly<Record<string, number>> = {
  ipv4_addr: ADDRESS_BITS.ip,
  ipv6_addr: ADDRESS_BITS.ip6,
};

/** Whether `text` is a value of `type` or, in a set of intervals, a prefix of addresses. */
function isCanonicalInterval(type: DataType, text: string): boolean {
  const [address, length] = prefixParts(text);
  if (length === undefined) return isCanonical(type, text);
  return DECIMAL.test(length) && Number(length) < (PREFIX_LENGTH_MAX[type] ?? 0) &&
    isCanonical(type, address);
}

/** Address and length of a prefix, `10.0.0.0/8`; the length is undefined where `text` is a single value. */
export function prefixParts(text: string): readonly [address: string, length: string | undefined] {
  const slash = text.indexOf("/");
  return slash < 0 ? [text, undefined] : [text.slice(0, slash), text.slice(slash + 1)];
}

/** Separates the parts of a concatenation, as nft prints it. */
export const CONCATENATION = " . ";

/** The parts of a concatenation, in order. */
export function concatenationParts(text: string): string[] {
  return text.split(CONCATENATION);
}

/** The last part of a concatenation: the port of `10.244.0.1 . 8080`, and of a port alone. */
export function lastPart(text: string): string {
  return text.slice(text.lastIndexOf(" ") + 1);
}

/** Address and port of an endpoint as the value of a slot: `10.244.0.1 . 8080`. */
export function destinationOf(value: string): { readonly address: Address; readonly port: number } {
  const [address = "", port] = concatenationParts(value);
  return { address: canonicalAddress(address), port: Number(port) };
}

/** Throws unless `text` is a canonical concatenation of `types`. With `interval`, parts may be prefixes. */
export function assertConcatenation(
  types: readonly DataType[],
  text: string,
  what: string,
  interval = false,
): void {
  const parts = concatenationParts(text);
  const canonical = interval ? isCanonicalInterval : isCanonical;
  const fits = parts.length === types.length && types.every((type, i) => canonical(type, parts[i]!));
  assert(fits, () => `${what} "${text}" is not a canonical ${types.join(CONCATENATION)}`);
}

/** The address type of `family`. */
export function addressType(family: Family): "ipv4_addr" | "ipv6_addr" {
  return family === "ip" ? "ipv4_addr" : "ipv6_addr";
}
