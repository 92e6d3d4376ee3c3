// Rules as values. Statement lists only what our rules use; each statement has one spelling in nft and one sequence of
// netlink expressions, so a rule can be written, read back and compared. No lookup uses the result of another lookup:
// nft 1.0.6 aborts when it prints such a rule.

import { assert } from "../invariant.ts";
import { ADDRESS_BITS } from "./data_type.ts";
import { UTF8_BYTES_MAX } from "../limits/input.ts";
import {
  AFFINITY_SECONDS_MAX,
  COMMENT_BYTES_MAX,
  INTERFACE_BYTES_MAX,
  SLOT_MODULUS_MAX,
} from "../limits/rules.ts";

/** A value of the packet or its connection that can be part of a key. */
export type Selector = ComparedSelector | OriginalAddress;

/** An address as the sender wrote it: connection tracking keeps it, whatever rules have written since. */
export type OriginalAddress =
  | "ct original ip saddr"
  | "ct original ip daddr"
  | "ct original ip6 saddr"
  | "ct original ip6 daddr";

/** A value that can be part of a key, or be compared with a constant. */
export type ComparedSelector =
  | "ip saddr"
  | "ip daddr"
  | "ip6 saddr"
  | "ip6 daddr"
  | "th dport"
  | "meta l4proto"
  | "meta priority"
  | "iifname"
  | "fib saddr type"
  | "fib daddr type";

/** `numgen random mod modulus`: an integer drawn uniformly from 0 to modulus - 1 for every evaluation. */
export interface Numgen {
  /** Distinguishes it from a selector, which is a string. */
  readonly kind: "numgen";
  /** 1 to {@link SLOT_MODULUS_MAX}. */
  readonly modulus: number;
}

/** `jhash ip6 saddr . th dport mod 4294967295 seed 0x1`: 32 bits of a hash of some values. */
export interface Hash {
  /** Distinguishes it from a selector and a numgen. */
  readonly kind: "hash";
  /** What it is a hash of. */
  readonly of: readonly Selector[];
  /** 1 to 2^32 - 1; hashes with different seeds are independent. */
  readonly seed: number;
}

/** `jhash ip saddr mod 4 seed 0x1 offset 4`: a number from `offset` to `offset + modulus - 1`, the same for each packet of a source. */
export interface AddressHash {
  /** Distinguishes it from other parts of a key. */
  readonly kind: "address-hash";
  /** What it is a hash of. */
  readonly of: "ip saddr" | "ip6 saddr";
  /** 1 to {@link SLOT_MODULUS_MAX}. */
  readonly modulus: number;
  /** 1 to 2^32 - 1; hashes with different seeds are independent. */
  readonly seed: number;
  /** 0 to {@link SLOT_MODULUS_MAX}. */
  readonly offset: number;
}

/**
 * `ip saddr & 255.255.255.0 . meta mark & 0x00000018 | 0x00000018`: the prefix of that length that a source is in, as two parts of
 * a key. nft has no constant in a key; a mark of which all bits are set is one.
 */
export interface SourcePrefix {
  /** Distinguishes it from other parts of a key. */
  readonly kind: "source-prefix";
  /** Whose prefix it is. */
  readonly of: "ip saddr" | "ip6 saddr";
  /** 1 to {@link ADDRESS_BITS} of the family. */
  readonly length: number;
}

/** One part of a key that is looked up in a set. */
export type LookupPart = Selector | SourcePrefix;

/** One part of a key that is looked up in a map. */
export type KeyPart = LookupPart | Numgen | Hash | AddressHash;

/** What happens to the packet next. The chain is one of the same table. */
export type Verdict =
  | { readonly kind: "accept" | "drop" | "return" | "continue" }
  | { readonly kind: "goto" | "jump"; readonly chain: string };

/** One statement of a rule. `value` is a constant in nft's canonical text. */
export type Statement =
  /** `ip saddr != 10.0.0.0/8`, `meta l4proto tcp`, `fib saddr type local`, `iifname "veth*"`. */
  | {
    readonly kind: "match";
    readonly selector: ComparedSelector;
    readonly operator: "==" | "!=";
    readonly value: string;
  }
  /** `meta priority & c00:0 == 400:0`, both of the type classid. */
  | {
    readonly kind: "priority-test";
    readonly mask: string;
    readonly operator: "==" | "!=";
    readonly value: string;
  }
  /** `jhash ip saddr mod 2 seed 0x1 1`. */
  | { readonly kind: "hash-match"; readonly hash: AddressHash; readonly value: number }
  /** `ip daddr @cluster-ips`, also with a concatenated key. */
  | { readonly kind: "lookup"; readonly key: readonly LookupPart[]; readonly set: string }
  /**
   * `update @pins { ip saddr . th dport timeout 3h : meta priority }`: adds an element to the map, or restarts the timeout of the
   * one that is there, whose data stays. Up to version 0.6 the data was the destination.
   */
  | {
    readonly kind: "pin";
    readonly key: readonly KeyPart[];
    readonly map: string;
    readonly timeoutSeconds: number;
    readonly data?: "daddr";
  }
  /** `delete @pins { ip saddr . th dport : meta priority }`. The data does not matter, but nft requires it. */
  | {
    readonly kind: "unpin";
    readonly key: readonly KeyPart[];
    readonly map: string;
    readonly data?: "daddr";
  }
  /** `ct state new`: in rules that versions up to 0.6 made, which are read before they are replaced. */
  | { readonly kind: "ct-state-new" }
  /** `ct status dnat`. */
  | { readonly kind: "ct-status-dnat" }
  /** `meta nftrace set 1`: the kernel reports the rules that the packet meets from here on. */
  | { readonly kind: "nftrace" }
  /** `meta mark & bits != 0`. */
  | { readonly kind: "mark-test"; readonly bits: number }
  /** `meta mark set meta mark | bits`, or `^ bits`: all other bits stay. */
  | { readonly kind: "mark-set"; readonly operator: "|" | "^"; readonly bits: number }
  /** `meta priority set ip daddr . meta l4proto . th dport map @service-ips`: a miss ends the rule. */
  | { readonly kind: "priority-set"; readonly key: readonly KeyPart[]; readonly map: string }
  /** `ip daddr set meta l4proto . th dport map @affinity-nodeport-ips`: a miss ends the rule. */
  | { readonly kind: "daddr-set"; readonly key: readonly KeyPart[]; readonly map: string }
  /** The same for the source, and for the port. Of a port the kernel does not correct the checksum: it must be set back. */
  | { readonly kind: "saddr-set" | "dport-set"; readonly key: readonly Selector[]; readonly map: string }
  /** `ip daddr set ct original ip daddr`, and the same for the source. That of the source is in rules up to version 0.6 alone. */
  | { readonly kind: "daddr-restore" | "saddr-restore" }
  /** `ip daddr . meta l4proto . th dport vmap @ports`; with the verdict `continue` the rule goes on. */
  | { readonly kind: "vmap"; readonly key: readonly Selector[]; readonly map: string }
  /** `dnat ip to ip daddr . meta l4proto . th dport . numgen random mod 4 map @endpoints`. */
  | { readonly kind: "dnat"; readonly key: readonly KeyPart[]; readonly map: string }
  /** `masquerade fully-random`. */
  | { readonly kind: "masquerade" }
  /** `reject` (ICMP or ICMPv6 port unreachable) or `reject with tcp reset`. */
  | { readonly kind: "reject"; readonly with: "port-unreachable" | "tcp-reset" }
  /** `accept`, `goto reject-chain`. */
  | { readonly kind: "verdict"; readonly verdict: Verdict };

/** One rule. Its statements run in order until one does not match or one gives a verdict. */
export interface Rule {
  /** At least one. */
  readonly statements: readonly Statement[];
  /** At most {@link COMMENT_BYTES_MAX} bytes. */
  readonly comment?: string;
}

/** The statement that ends a chain with another one. */
export function goto(chain: string): Statement {
  return { kind: "verdict", verdict: { kind: "goto", chain } };
}

/** The statement that continues with another chain, and comes back. */
export function jump(chain: string): Statement {
  return { kind: "verdict", verdict: { kind: "jump", chain } };
}

/** Makes a rule. Throws for a statement that nft's language cannot express. */
export function rule(statements: readonly Statement[], comment?: string): Rule {
  assert(statements.length > 0, "a rule needs a statement");
  for (const statement of statements) assertStatement(statement);
  if (comment === undefined) return { statements };
  assertComment(comment);
  return { statements, comment };
}

/** Throws unless `comment` can be the comment of a table, chain, set, rule or element. */
export function assertComment(comment: string): void {
  const bytes = utf8Length(comment);
  assert(
    bytes <= COMMENT_BYTES_MAX,
    () => `comment of ${bytes} bytes, at most ${COMMENT_BYTES_MAX}: ${comment}`,
  );
  assert(
    !/["\\\p{Cc}]/u.test(comment),
    () => `comment with a character nft cannot quote: ${JSON.stringify(comment)}`,
  );
}

/** Bytes of `text` in UTF-8; an upper bound where even that is short enough, which spares encoding most comments. */
function utf8Length(text: string): number {
  const bound = text.length * UTF8_BYTES_MAX;
  return bound <= COMMENT_BYTES_MAX ? bound : new TextEncoder().encode(text).length;
}

function assertStatement(statement: Statement): void {
  if (statement.kind === "mark-set" || statement.kind === "mark-test") {
    const { bits } = statement;
    assert(Number.isInteger(bits) && bits > 0 && bits <= 0xffff_ffff, `mark bits ${bits}`);
  }
  if (statement.kind === "match" && statement.selector === "iifname") assertInterface(statement.value);
  if (statement.kind === "pin") {
    const { timeoutSeconds } = statement;
    const fits = Number.isInteger(timeoutSeconds) && timeoutSeconds > 0 &&
      timeoutSeconds <= AFFINITY_SECONDS_MAX;
    assert(fits, `timeout of ${timeoutSeconds} s`);
  }
  if (statement.kind === "hash-match") assertPart(statement.hash);
  if (!("key" in statement)) return;
  for (const part of statement.key) if (typeof part !== "string") assertPart(part);
}

function assertPart(part: Exclude<KeyPart, Selector>): void {
  if (part.kind === "source-prefix") {
    const { of, length } = part;
    const most = of === "ip saddr" ? ADDRESS_BITS.ip : ADDRESS_BITS.ip6;
    return assert(Number.isInteger(length) && length >= 1 && length <= most, `prefix of ${length} bits`);
  }
  if (part.kind !== "hash") assertModulus(part.modulus);
  if (part.kind === "numgen") return;
  const { seed } = part;
  assert(Number.isInteger(seed) && seed > 0 && seed <= 0xffff_ffff, `seed ${seed}`);
}

function assertModulus(modulus: number): void {
  const fits = Number.isInteger(modulus) && modulus >= 1 && modulus <= SLOT_MODULUS_MAX;
  assert(fits, `modulus ${modulus}`);
}

/** Throws unless `name` is the name of a network interface, or a prefix of names followed by `*`. */
function assertInterface(name: string): void {
  const fits = /^[^\s"*/\\]+\*?$/.test(name) && name.length <= INTERFACE_BYTES_MAX && name !== "*";
  assert(fits, `"${name}" is not the name of an interface, at most ${INTERFACE_BYTES_MAX} bytes`);
}

/** The nft text of a verdict, which is also the value of an element of a verdict map. */
export function verdictText(verdict: Verdict): string {
  return verdict.kind === "goto" || verdict.kind === "jump"
    ? `${verdict.kind} ${verdict.chain}`
    : verdict.kind;
}

/** The inverse of {@link verdictText}. Throws for text that is not a verdict. */
export function parseVerdict(text: string): Verdict {
  if (text === "accept" || text === "drop" || text === "return" || text === "continue") return { kind: text };
  const [kind, chain] = text.split(" ");
  assert((kind === "goto" || kind === "jump") && chain, () => `"${text}" is not a verdict`);
  return { kind, chain };
}
