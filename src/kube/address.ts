// IP addresses of Kubernetes objects, in the one canonical form that keys of sets and maps use. They are read as leniently
// as kube-proxy reads them: leading zeros are decimal (k8s.io/utils/net ParseIPSloppy). Why not simply keep the text of the
// object? nf_tables knows one form of an address, so two texts of one address would be two keys for one element.

import { Address6 } from "ip-address";
import type { Address, Family } from "../nft/data_type.ts";

const CANONICAL_IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;
const SLOPPY_IPV4 = /^\d{1,9}\.\d{1,9}\.\d{1,9}\.\d{1,9}$/;
/** The IPv4-mapped prefix ::ffff:0:0/96 (RFC 4291, 2.5.5.2); Go prints such addresses as IPv4. */
const MAPPED = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/;
const MAPPED_LENGTH = 96;

/** A block of addresses in canonical text, host bits cleared. */
export interface Cidr {
  readonly family: Family;
  readonly address: Address;
  /** 0 to 32 or 128. */
  readonly length: number;
}

/** The canonical address that `text` spells, without the white space around it; undefined if it spells none. */
export function parseAddress(text: string): Address | undefined {
  if (CANONICAL_IPV4.test(text)) return canonicalAddress(text);
  const trimmed = text.trim();
  if (SLOPPY_IPV4.test(trimmed)) return sloppyIpv4(trimmed);
  return trimmed.includes(":") ? parseIpv6(trimmed) : undefined;
}

/** The family of a canonical address. */
export function familyOf(address: Address): Family {
  return address.includes(":") ? "ip6" : "ip";
}

/** The block that `text` ("10.0.0.0/8") spells; undefined if it spells none. */
export function parseCidr(text: string): Cidr | undefined {
  const [head, tail, ...rest] = text.trim().split("/");
  const address = parseAddress(head!);
  if (address === undefined || tail === undefined || rest.length > 0 || !/^\d{1,4}$/.test(tail)) {
    return undefined;
  }
  const family = familyOf(address);
  const isMapped = family === "ip" && head!.includes(":");
  return isMapped ? mappedBlock(address, Number(tail)) : block(family, address, Number(tail));
}

/** As Go: mapped addresses are IPv4 in ::ffff:0:0/96, and a larger block is one of IPv6. */
function mappedBlock(address: Address, length: number): Cidr | undefined {
  if (length >= MAPPED_LENGTH) return block("ip", address, length - MAPPED_LENGTH);
  return block("ip6", canonicalAddress(`::ffff:${address}`), length);
}

function block(family: Family, address: Address, length: number): Cidr | undefined {
  if (length > (family === "ip" ? 32 : 128)) return undefined;
  return { family, address: networkAddress(address, family, length), length };
}

/** The block that holds `address` alone. */
export function blockOf(address: Address): Cidr {
  const family = familyOf(address);
  return { family, address, length: family === "ip" ? 32 : 128 };
}

/** Canonical text of a block, as nft writes it: `10.0.0.0/8`, and `10.0.0.1` for a single address. */
export function cidrText({ family, address, length }: Cidr): string {
  return length === (family === "ip" ? 32 : 128) ? address : `${address}/${length}`;
}

/** Whether `address` is in `cidr`. */
export function contains(cidr: Cidr, address: Address): boolean {
  return familyOf(address) === cidr.family &&
    networkAddress(address, cidr.family, cidr.length) === cidr.address;
}

/** The address after the last one of a block, as a list; empty where there is none. */
export function firstAfter({ family, address, length }: Cidr): Address[] {
  const bits = family === "ip" ? 32 : 128;
  const first = BigInt(`0b${prefixOf({ family, address, length: bits }).split(" ")[1]}`);
  const next = first + (1n << BigInt(bits - length));
  if (next >> BigInt(bits) > 0n) return [];
  return [family === "ip" ? ipv4Text(Number(next)) : parseIpv6(Address6.fromBigInt(next).correctForm())!];
}

/** Addresses that no packet from another host can have as its unicast destination. */
const SPECIAL = [
  "127.0.0.0/8",
  "0.0.0.0/32",
  "224.0.0.0/4",
  "255.255.255.255/32",
  "::1/128",
  "::/128",
  "ff00::/8",
]
  .map((text) => parseCidr(text)!);
const LINK_LOCAL = ["169.254.0.0/16", "fe80::/10"].map((text) => parseCidr(text)!);

/** Whether `address` is a loopback, unspecified, multicast or broadcast address. */
export function isSpecial(address: Address): boolean {
  return SPECIAL.some((block) => contains(block, address));
}

/** Whether `address` is link-local: on another node it belongs to another host. */
export function isLinkLocal(address: Address): boolean {
  return LINK_LOCAL.some((block) => contains(block, address));
}

/** Blocks that cover the same addresses without overlap, in order. Two blocks never overlap in part: they nest or not. */
export function disjoint(cidrs: readonly Cidr[]): Cidr[] {
  // As bits, a block is a prefix of every block in it, and sorts right before them.
  const sorted = cidrs.map((cidr) => ({ cidr, prefix: prefixOf(cidr) })).sort((a, b) =>
    a.prefix < b.prefix ? -1 : 1
  );
  const kept: typeof sorted = [];
  for (const one of sorted) {
    const last = kept.at(-1);
    if (last === undefined || !one.prefix.startsWith(last.prefix)) kept.push(one);
  }
  return kept.map(({ cidr }) => cidr);
}

/** The family and the leading bits of a block: `ip 00001010` for 10.0.0.0/8. A block in it has one that begins with them. */
export function prefixOf({ family, address, length }: Cidr): string {
  const bits = family === "ip6"
    ? new Address6(address).bigInt().toString(2).padStart(128, "0")
    : address.split(".").map((octet) => Number(octet).toString(2).padStart(8, "0")).join("");
  return `${family} ${bits.slice(0, length)}`;
}

/** `text` as an Address: the caller has made it canonical. */
function canonicalAddress(text: string): Address {
  return text as Address;
}

function sloppyIpv4(text: string): Address | undefined {
  const octets = text.split(".").map(Number);
  return octets.every((octet) => octet <= 255) ? canonicalAddress(octets.join(".")) : undefined;
}

function parseIpv6(text: string): Address | undefined {
  if (text.includes("%") || !Address6.isValid(text)) return undefined;
  const canonical = new Address6(text).correctForm().toLowerCase();
  const mapped = MAPPED.exec(canonical);
  if (mapped === null) return canonicalAddress(canonical);
  const [high, low] = [parseInt(mapped[1]!, 16), parseInt(mapped[2]!, 16)];
  return canonicalAddress(`${high >> 8}.${high & 0xff}.${low >> 8}.${low & 0xff}`);
}

function networkAddress(address: Address, family: Family, length: number): Address {
  if (family === "ip6") return parseIpv6(new Address6(`${address}/${length}`).startAddress().correctForm())!;
  const number = address.split(".").reduce((sum, octet) => sum * 256 + Number(octet), 0);
  const size = 2 ** (32 - length);
  const network = Math.floor(number / size) * size;
  return ipv4Text(network);
}

function ipv4Text(number: number): Address {
  return canonicalAddress([24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join("."));
}
