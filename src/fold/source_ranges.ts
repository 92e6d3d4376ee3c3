// loadBalancerSourceRanges as prefixes in a hash set, with their lengths. A packet's source is looked up once for each length that
// the ranges of its frontend have, in a chain for these lengths; nearly all Services have one or two. Of several lengths, those
// that are seldom bring their neighbours with them, so that there are few chains. Why not a set of intervals? Of one with several
// fields the kernel (6.18) walks over all ranges to delete one: 0.2 ms among 1,000, so one Service that replaces its ranges again
// and again would stop the node. And a lookup there takes longer than several in a hash set.

import { GUARD_LENGTHS_MAX } from "../limits/rules.ts";
import { ADDRESS_BITS, type Family, prefixParts } from "../nft/data_type.ts";
import { chainElement } from "../nft/objects.ts";
import { type Rule, rule } from "../nft/statement.ts";
import { frontendKey } from "./pick_chains.ts";
import { elementResource, type ServiceResource } from "./resource.ts";
import { OBJECT_PATHS } from "./skeleton.ts";

/** The length of a source range, which is a prefix, or one address: then all of its bits. */
function rangeLength(family: Family, source: string): number {
  const [, length] = prefixParts(source);
  return length === undefined ? ADDRESS_BITS[family] : Number(length);
}

/** Lengths that most ranges have. */
const COMMON: Readonly<Record<Family, readonly number[]>> = { ip: [32, 24, 16, 8], ip6: [128, 64, 48, 32] };

/**
 * The lengths that are looked up where a range has `length`: that one alone where it is common, else all between two common ones.
 * Why not always that one alone? Each set of lengths needs a chain, and a tenant could make billions: 1,500 chains of 13 rules have a
 * comparison stop the loop for 0.8 s. So there are at most 255 in a family, and one for each length without others.
 */
function alike(family: Family, length: number): readonly number[] {
  if (COMMON[family].includes(length)) return [length];
  const above = COMMON[family].findLast((one) => one > length)!;
  const below = COMMON[family].find((one) => one < length) ?? 0;
  return Array.from({ length: above - below - 1 }, (_, i) => above - 1 - i);
}

/** The lengths that are looked up for `sources`, longest first; of too many for the name of a chain, every length. */
function lengthsOf(family: Family, sources: readonly string[]): readonly number[] {
  const present = new Set(sources.map((source) => rangeLength(family, source)));
  if (present.size === 1) return [...present];
  const lengths = new Set([...present].flatMap((length) => alike(family, length)));
  if (lengths.size <= GUARD_LENGTHS_MAX) return [...lengths].sort((a, b) => b - a);
  return Array.from({ length: ADDRESS_BITS[family] }, (_, i) => ADDRESS_BITS[family] - i);
}

/** The chain that returns for `sources` and drops all others: `firewall/32.24`. */
export function guardChain(family: Family, sources: readonly string[]): string {
  const lengths = lengthsOf(family, sources);
  return `firewall/${lengths.length > GUARD_LENGTHS_MAX ? "all" : lengths.join(".")}`;
}

/** The chains so far, by family and name. One of 129 rules takes half a millisecond, which each port of a Service would. */
const made = new Map<string, ServiceResource>();

/** That chain, which all frontends with the same lengths share. */
export function guardResource(family: Family, sources: readonly string[]): ServiceResource {
  const name = guardChain(family, sources);
  const known = made.get(`${family} ${name}`);
  if (known !== undefined) return known;
  const guard = newGuard(family, name, lengthsOf(family, sources));
  made.set(`${family} ${name}`, guard);
  return guard;
}

function newGuard(family: Family, name: string, lengths: readonly number[]): ServiceResource {
  const key = frontendKey(family);
  const rules: Rule[] = lengths.map((length) =>
    rule([
      {
        kind: "lookup",
        key: [...key, { kind: "source-prefix", of: `${family} saddr`, length }],
        set: "firewall-sources",
      },
      { kind: "verdict", verdict: { kind: "return" } },
    ])
  );
  rules.push(rule([{ kind: "verdict", verdict: { kind: "drop" } }], "not in LoadBalancerSourceRanges"));
  return elementResource(OBJECT_PATHS[family].chain, chainElement(family, { name, rules }));
}
