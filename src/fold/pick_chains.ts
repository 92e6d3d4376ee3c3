// Pick chains: one for each slot class and flavour. A rule draws a slot and translates to the endpoint in it. An empty slot
// ends the rule, and the next rule draws again, so every endpoint is equally likely. Why not a chain for each Service, as in
// kube-proxy? A change of endpoints is then a change of elements, which costs the same however many rules there are.

import { assert } from "../invariant.ts";
import { SLOT_DRAWS } from "../limits/rules.ts";
import type { Family } from "../nft/data_type.ts";
import type { Chain } from "../nft/ruleset.ts";
import { goto, jump, type Rule, rule, type Selector } from "../nft/statement.ts";
import { lead, type LeadKind } from "./leads.ts";
import { SLOT_CLASSES } from "./slots.ts";

/** The maps of endpoints: the chains that pick from each, the list that is in it, and the key of a frontend. */
export const ENDPOINT_MAPS = [
  { name: "pick", map: "endpoints", list: "cluster", key: "frontend" },
  { name: "local-pick", map: "local-endpoints", list: "local", key: "frontend" },
  { name: "nodeport-pick", map: "nodeport-endpoints", list: "cluster", key: "nodeport" },
  { name: "local-nodeport-pick", map: "local-nodeport-endpoints", list: "local", key: "nodeport" },
] as const;

/** One of them. */
export type EndpointMap = (typeof ENDPOINT_MAPS)[number];

/** A flavour of pick chains; those of affinity are in affinity_chains.ts. */
export type Flavour = EndpointMap["name"] | "affinity-pick" | "local-affinity-pick";

/**
 * Where a packet goes that found no slot. A commit may come between two lookups of a packet: its lead is that of many endpoints, and
 * the frontend has one by now, which is in no slot. A NodePort with one endpoint has a slot, and so have local endpoints.
 */
export const LAST_LOOK = "last-look";

/** What comes at the end of a chain that picks from `map`. */
export function lastLookOf(map: EndpointMap): Rule[] {
  return map.name === "pick" ? [rule([goto(LAST_LOOK)])] : [];
}

/**
 * Draws of a class that are in a chain of their own, which the pick chain jumps to again and again. The kernel compares each element that
 * is added to a map with each rule that looks there (nft_add_set_elem in net/netfilter/nf_tables_api.c): with all draws in the pick
 * chains, that took half of the kernel's time for a first commit.
 */
const DRAWS_TOGETHER = 4;
assert(SLOT_DRAWS % DRAWS_TOGETHER === 0, "each jump draws as often");

/** All pick chains of `family`. */
export function pickChains(family: Family): Chain[] {
  return ENDPOINT_MAPS.flatMap((one) => {
    const { name, map, key } = one;
    const drawn = (modulus: number) =>
      rule([{ kind: "dnat", key: [...frontendParts(family, key), { kind: "numgen", modulus }], map }]);
    return SLOT_CLASSES.flatMap((slotClass): Chain[] => {
      const chain = pickChain(name, slotClass);
      const rules = [...drawRules(slotClass, drawn), ...lastLookOf(one)];
      if (!isDrawnAgain(slotClass)) return [{ name: chain, rules }];
      const again = rule([jump(`${chain}-draws`)]);
      return [
        { name: `${chain}-draws`, rules: rules.slice(0, DRAWS_TOGETHER) },
        {
          name: chain,
          rules: [...Array<Rule>(SLOT_DRAWS / DRAWS_TOGETHER).fill(again), ...rules.slice(SLOT_DRAWS)],
        },
      ];
    });
  });
}

/**
 * Rules that send each lead of `kind` to its chain. Small classes come first: most Services have one. But a frontend with one
 * endpoint seldom has a lead, except in lists of local endpoints. Why a map for those that choose by client? Their chains come and go.
 */
export function leadRules(kind: LeadKind, flavour: EndpointMap["name"]): Rule[] {
  const [one, ...more] = SLOT_CLASSES.map((slotClass) =>
    rule([
      { kind: "match", selector: "meta priority", operator: "==", value: lead(kind, slotClass) },
      goto(pickChain(flavour, slotClass)),
    ])
  );
  const classes = kind === "local" ? [one!, ...more] : [...more, one!];
  return [...classes, rule([{ kind: "vmap", key: ["meta priority"], map: "by-client" }])];
}

/** Name of the chain for `flavour` and `slotClass`: `pick-4`. */
export function pickChain(flavour: Flavour, slotClass: number): string {
  return `${flavour}-${slotClass}`;
}

/**
 * The moduli of a chain's draws, in order. Slots 0 to S/4 - 1 are always filled. The last draw is from those alone, so every
 * connection gets an endpoint. Where a commit with a much smaller class comes between two lookups of a packet, slot 0 is filled.
 */
export function draws(slotClass: number): number[] {
  if (slotClass === 1) return [1];
  const always = Math.max(1, Math.floor(slotClass / 4));
  const repeated = isDrawnAgain(slotClass) ? SLOT_DRAWS : 1;
  return [...Array.from({ length: repeated }, () => slotClass), always, ...(always > 1 ? [1] : [])];
}

/** Class 2 has two endpoints, so that each draw finds one, or one in slot 0, which the last draw finds. */
function isDrawnAgain(slotClass: number): boolean {
  return slotClass > 2;
}

/** The rules of a chain's draws. Those of equal draws are one value, because a skeleton has thousands of draws. */
export function drawRules(slotClass: number, drawRule: (modulus: number) => Rule): Rule[] {
  const moduli = draws(slotClass);
  const rules = new Map([...new Set(moduli)].map((modulus) => [modulus, drawRule(modulus)]));
  return moduli.map((modulus) => rules.get(modulus)!);
}

/** What a frontend with an address is found by. */
export function frontendKey(family: Family): Selector[] {
  return [`${family} daddr`, ...NODE_PORT];
}

/** What a NodePort is found by. */
export const NODE_PORT: readonly Selector[] = ["meta l4proto", "th dport"];

/** What a frontend of either kind is found by. */
export function frontendParts(family: Family, key: "frontend" | "nodeport"): readonly Selector[] {
  return key === "nodeport" ? NODE_PORT : frontendKey(family);
}
