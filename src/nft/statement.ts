// Rules as values. Statement lists only what our rules use; each statement has one spelling in nft and one sequence of
// netlink expressions, so a rule can be written, read back and compared. No lookup uses the result of another lookup:
// nft 1.0.6 aborts when it prints such a rule.

import { assert } from "../invariant.ts";
import {
  AFFINITY_SECONDS_MAX,
  COMMENT_BYTES_MAX,
  INTERFACE_BYTES_MAX,
  SLOT_MODULUS_MAX,
  UTF8_BYTES_MAX,
} from "../limits.ts";
import type { Address } from "./data_type.ts";

/** A value of the packet or its connection that can be part of a key. */
export type Selector = ComparedSelector | OriginalDestination;

/** The destination as the sender wrote it: connection tracking keeps it, whatever rules have written since. */
export type OriginalDestination = "ct original ip daddr" | "ct original ip6 daddr";

/** A value that can be part of a key, or be compared with a constant. */
export type ComparedSelector =
  | "ip saddr"
  | "ip daddr"
  | "ip6 saddr"
  | "ip6 daddr"
  | "th dport"
  | "meta l4proto"
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
  /** `ip daddr @cluster-ips`, also with a concatenated key. */
  | { readonly kind: "lookup"; readonly key: readonly Selector[]; readonly set: string }
  /** `numgen random mod 3 0`: matches one packet in three. */
  | { readonly kind: "one-in"; readonly modulus: number }
  /** `update @affinity-x { ip saddr timeout 3h }`: adds the source to the set, or restarts its timeout. */
  | {
    readonly kind: "pin";
    readonly selector: "ip saddr" | "ip6 saddr";
    readonly set: string;
    readonly timeoutSeconds: number;
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
  /** `ip daddr set ip daddr . meta l4proto . th dport map @service-ips`: a miss ends the rule. */
  | { readonly kind: "daddr-set"; readonly key: readonly Selector[]; readonly map: string }
  /** `ip daddr set ct original ip daddr`. */
  | { readonly kind: "daddr-restore" }
  /** `ip daddr . meta l4proto . th dport vmap @ports`; with the verdict `continue` the rule goes on. */
  | { readonly kind: "vmap"; readonly key: readonly Selector[]; readonly map: string }
  /** `dnat ip to ip daddr . meta l4proto . th dport . numgen random mod 4 map @endpoints`. */
  | { readonly kind: "dnat"; readonly key: readonly (Selector | Numgen)[]; readonly map: string }
  /** `dnat to 10.0.0.1:8080`; the kernel requires a match of the transport protocol before it. */
  | { readonly kind: "dnat-to"; readonly address: Address; readonly port: number }
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
  if (statement.kind === "one-in") assertModulus(statement.modulus);
  if (statement.kind !== "dnat") return;
  for (const part of statement.key) if (typeof part !== "string") assertModulus(part.modulus);
}

function assertModulus(modulus: number): void {
  const fits = Number.isInteger(modulus) && modulus >= 1 && modulus <= SLOT_MODULUS_MAX;
  assert(fits, `numgen modulus ${modulus}`);
}

/** Throws unless `name` is the name of a network interface, or a prefix of names followed by `*`. */
export function assertInterface(name: string): void {
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
