// Pick chains: one for each slot class and flavour. A rule draws a slot and translates to the endpoint in it. An empty slot
// ends the rule, and the next rule draws again, so every endpoint is equally likely. Why not a chain for each Service, as in
// kube-proxy? A change of endpoints is then a change of elements, which costs the same however many rules there are.

import { SLOT_CLASS_MAX, SLOT_DRAWS } from "../limits.ts";
import type { Family } from "../nft/data_type.ts";
import type { Chain } from "../nft/ruleset.ts";
import { type Rule, rule, type Selector } from "../nft/statement.ts";

/** Slot classes: powers of two. A frontend with N endpoints has a class S with S/4 < N <= S. */
export const SLOT_CLASSES: readonly number[] = Array.from(
  { length: Math.log2(SLOT_CLASS_MAX) + 1 },
  (_, exponent) => 2 ** exponent,
);

/** Flavours of pick chains: the map of endpoints, and the key of a frontend in it. */
const FLAVOURS = [
  { name: "pick", map: "endpoints", key: "frontend" },
  { name: "local-pick", map: "local-endpoints", key: "frontend" },
  { name: "nodeport-pick", map: "nodeport-endpoints", key: "nodeport" },
  { name: "local-nodeport-pick", map: "local-nodeport-endpoints", key: "nodeport" },
] as const;

/** Flavours that also exist with a mark for masquerading, for traffic from outside under Cluster policy. */
const MASQUERADED = ["pick", "nodeport-pick"] as const;

/** Name of the chain for `flavour` and `slotClass`: `pick-4`, `external-pick-4`. */
export function pickChain(flavour: string, slotClass: number): string {
  return `${flavour}-${slotClass}`;
}

/** All pick chains of `family`. `mark` is the bit that requests masquerading. */
export function pickChains(family: Family, mark: number): Chain[] {
  const plain = FLAVOURS.flatMap(({ name, map, key }) =>
    SLOT_CLASSES.map((slotClass): Chain => ({
      name: pickChain(name, slotClass),
      rules: drawRules(slotClass, (modulus) =>
        rule([{ kind: "dnat", key: slotKey(family, key, modulus), map }])),
    }))
  );
  const masqueraded = MASQUERADED.flatMap((name) =>
    SLOT_CLASSES.map((slotClass): Chain => ({
      name: pickChain(`external-${name}`, slotClass),
      rules: [
        rule([{ kind: "mark-set", operator: "|", bits: mark }], "masquerade"),
        rule([{ kind: "verdict", verdict: { kind: "goto", chain: pickChain(name, slotClass) } }]),
      ],
    }))
  );
  return [...plain, ...masqueraded];
}

/**
 * The moduli of a chain's draws, in order. Slots 0 to S/4 - 1 are always filled. The last draw is from those alone, so every
 * connection gets an endpoint.
 */
export function draws(slotClass: number): number[] {
  if (slotClass === 1) return [1];
  const always = Math.max(1, slotClass / 4);
  // Class 2 has two endpoints, so that each draw finds one, or one in slot 0, which the last draw finds.
  const repeated = slotClass === 2 ? 1 : SLOT_DRAWS;
  return [...Array.from({ length: repeated }, () => slotClass), always];
}

/** The rules of a chain's draws. Those of equal draws are one value, because a skeleton has thousands of draws. */
function drawRules(slotClass: number, drawRule: (modulus: number) => Rule): Rule[] {
  const moduli = draws(slotClass);
  const rules = new Map([...new Set(moduli)].map((modulus) => [modulus, drawRule(modulus)]));
  return moduli.map((modulus) => rules.get(modulus)!);
}

function slotKey(family: Family, key: "frontend" | "nodeport", modulus: number) {
  const port: Selector[] = ["meta l4proto", "th dport"];
  const numgen = { kind: "numgen", modulus } as const;
  const destination: Selector = `${family} daddr`;
  return key === "nodeport" ? [...port, numgen] : [destination, ...port, numgen];
}
