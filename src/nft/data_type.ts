// The data types that keys and values of our sets and maps are made of, in nft's words, and the canonical text of
// each: the text nft prints. Text is canonical, so equal values are equal strings.

import { assert } from "../invariant.ts";
import { SLOT_MODULUS_MAX } from "../limits.ts";

/** Address family of a table. `inet` is never used: kube-proxy's own split into two tables is kept. */
export type Family = "ip" | "ip6";

/** Both families, in the order in which everything is written. */
export const FAMILIES: readonly Family[] = ["ip", "ip6"];

/** Transport protocols a Service port can have. */
export type Protocol = "tcp" | "udp" | "sctp";

/**
 * One part of a key or a value. All but `slot` are nft's names (nft(8), DATA TYPES); `slot` is the integer drawn by
 * `numgen random`, which nft can only name through `typeof`.
 */
export type DataType = "ipv4_addr" | "ipv6_addr" | "inet_proto" | "inet_service" | "mark" | "slot";

/** A host address in canonical text: dotted quad, or RFC 5952. Made by `parseAddress` in kube/address.ts. */
export type Address = string & { readonly __brand: "Address" };

const PROTOCOLS: ReadonlySet<string> = new Set(["tcp", "udp", "sctp"]);
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;
const IPV6 = /^[0-9a-f:]+(?:\d+\.\d+\.\d+\.\d+)?$/;
const DECIMAL = /^(?:0|[1-9]\d{0,9})$/;
const MARK = /^0x[0-9a-f]{8}$/;

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
    case "slot":
      return DECIMAL.test(text) && Number(text) < SLOT_MODULUS_MAX;
  }
}

const PREFIX_LENGTH_MAX: Readonly<Record<string, number>> = { ipv4_addr: 32, ipv6_addr: 128 };

/** Whether `text` is a value of `type` or, in a set of intervals, a prefix of addresses. */
function isCanonicalInterval(type: DataType, text: string): boolean {
  const [address, length] = text.split("/") as [string, string | undefined];
  if (length === undefined) return isCanonical(type, text);
  return DECIMAL.test(length) && Number(length) < (PREFIX_LENGTH_MAX[type] ?? 0) &&
    isCanonical(type, address);
}

/** Separates the parts of a concatenation, as nft prints it. */
export const CONCATENATION = " . ";

/** The parts of a concatenation. */
export function concatenated(text: string): string[] {
  return text.split(CONCATENATION);
}

/** Where a map of endpoints leads: `10.244.0.1 . 8080`. */
export function destinationOf(value: string): { readonly address: Address; readonly port: number } {
  const [address, port] = concatenated(value) as [Address, string];
  return { address, port: Number(port) };
}

/** Throws unless `text` is the canonical concatenation of `types`, whose parts may be intervals if `interval`. */
export function assertConcatenation(
  types: readonly DataType[],
  text: string,
  what: string,
  interval = false,
): void {
  const parts = text.split(CONCATENATION);
  const canonical = interval ? isCanonicalInterval : isCanonical;
  const fits = parts.length === types.length && types.every((type, i) => canonical(type, parts[i]!));
  assert(fits, () => `${what} "${text}" is not a canonical ${types.join(CONCATENATION)}`);
}

/** The address type of `family`. */
export function addressType(family: Family): "ipv4_addr" | "ipv6_addr" {
  return family === "ip" ? "ipv4_addr" : "ipv6_addr";
}
