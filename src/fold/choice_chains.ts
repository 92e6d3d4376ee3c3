// Chains that choose a slot by the client's address: with a hash in place of a random number, a client meets the same endpoint as
// long as the list does not change. They come with the first Service that wants them, like those of affinity's timeouts: nearly all
// clusters have none.
//
// A class of S slots has an upper and a lower half. One hash says which half a client is in, and another which slot of it. The lower
// half is chosen from as a class of S/2 is, so a class that grows or shrinks moves no client by itself. In the upper half a slot may be
// empty: then hashes with further seeds say half and slot. So an endpoint that is added takes an equal share from each other one, and
// no client moves between those. (Eric Leu, Fast Consistent Hashing in Constant Time, 2023, has the halves.)

import { CLIENT_DRAWS, SLOT_CLASS_MAX } from "../limits/rules.ts";
import type { Address, Family } from "../nft/data_type.ts";
import { addressHash } from "../nft/jhash.ts";
import { chainElement } from "../nft/objects.ts";
import { elementKey } from "../nft/ruleset.ts";
import { type AddressHash, jump, type Rule, rule, type Statement } from "../nft/statement.ts";
import { lead, leadByClient, type LeadKind } from "./leads.ts";
import { ENDPOINT_MAPS, type EndpointMap, frontendParts, lastLookOf, pickChain } from "./pick_chains.ts";
import { elementResource, type FrontendKind, type ServiceResource } from "./resource.ts";
import { OBJECT_PATHS, PATHS } from "./skeleton.ts";
import type { Slots } from "./slots.ts";

/** The classes here are powers of two: each has a lower and an upper half. */
const CLASSES: readonly number[] = Array.from(
  { length: Math.log2(SLOT_CLASS_MAX) + 1 },
  (_, exponent) => 2 ** exponent,
);

/** A lead to a chain of this file. */
interface Choice {
  readonly family: Family;
  readonly map: EndpointMap;
  readonly slotClass: number;
  readonly lead: string;
}

/** Every choice of a family by its lead. A single slot needs none. */
const CHOICES = {
  ip: choicesOf("ip"),
  ip6: choicesOf("ip6"),
} as const;

function choicesOf(family: Family): ReadonlyMap<string, Choice> {
  return new Map(
    ENDPOINT_MAPS.flatMap((map) =>
      kindsTo(map).flatMap((kind) =>
        CLASSES.slice(1).map((slotClass) => {
          const one = { family, map, slotClass, lead: choiceLead(kind, map, slotClass) };
          return [one.lead, one] as const;
        })
      )
    ),
  );
}

/** The kinds of leads that lead to `map`. */
function kindsTo({ list, key }: EndpointMap): readonly LeadKind[] {
  if (list === "local") return ["local"];
  return key === "nodeport" ? ["cluster"] : ["cluster", "external"];
}

/** A number for each map and class: there are 13 classes. */
function choiceLead(kind: LeadKind, map: EndpointMap, slotClass: number): string {
  return leadByClient(kind, 16 * ENDPOINT_MAPS.indexOf(map) + Math.log2(slotClass));
}

/** The smallest class that has room for `count` endpoints: a larger one would move clients. */
function classOf(count: number): number {
  return CLASSES.find((slotClass) => slotClass >= count)!;
}

/** The lead of a frontend to its endpoints by client; a frontend with one slot leads there as any other. */
export function choiceOf(at: FrontendKind, kind: LeadKind, { endpoints: { length } }: Slots): string {
  const slotClass = classOf(length);
  if (slotClass === 1) return lead(kind, slotClass);
  const [list, key] = [kind === "local" ? kind : "cluster", at === "nodeport" ? at : "frontend"];
  return choiceLead(
    kind,
    ENDPOINT_MAPS.find((map) => map.list === list && map.key === key)!,
    slotClass,
  );
}

/**
 * The chains behind `lead`, and the element that leads there; none where another kind of chain is. Where rules are made in steps,
 * each is made before what refers to it.
 */
export function choiceResources(family: Family, lead: string | undefined): ServiceResource[] {
  const choice = lead === undefined ? undefined : CHOICES[family].get(lead);
  if (choice === undefined) return [];
  const chains = choiceChains(choice);
  const path = OBJECT_PATHS[family].chain;
  return [
    ...chains.toReversed().map((chain) => elementResource(path, chainElement(family, chain))),
    elementResource(PATHS[family]["by-client"], {
      key: elementKey([choice.lead]),
      value: `goto ${chains[0]!.name}`,
    }),
  ];
}

const PREFIX = "by-client/";

/** Whether a chain of this name chooses by client. */
export function isByClient(chain: string): boolean {
  return chain.startsWith(PREFIX);
}

/** The chain that a lead leads to, and the one that it uses where its first draw finds an empty slot. */
function choiceChains({ family, map, slotClass }: Choice): { name: string; rules: Rule[] }[] {
  const name = `${PREFIX}${pickChain(map.name, slotClass)}`;
  const again = `${name}-again`;
  const dnat = (hash: AddressHash): Statement => ({
    kind: "dnat",
    key: [...frontendParts(family, map.key), hash],
    map: map.map,
  });
  const isUpper = (level: number, draw: number, value: number): Statement => ({
    kind: "hash-match",
    hash: half(family, level, draw),
    value,
  });
  const drawRule = (level: number) => rule([isUpper(level, 0, 1), dnat(slotAbove(family, level, 0))]);
  const lower = CLASSES.filter((level) => level > 1 && level < slotClass).reverse();
  const first = [
    drawRule(slotClass),
    // Of a class with two slots both are filled.
    ...(slotClass === 2 ? [] : [rule([isUpper(slotClass, 0, 1), jump(again)])]),
    ...lower.map(drawRule),
    rule([dnat(slotAbove(family, 1, 0))]),
    ...lastLookOf(map),
  ];
  if (slotClass === 2) return [{ name, rules: first }];
  const further = Array.from({ length: CLIENT_DRAWS }, (_, i) => [
    rule([isUpper(slotClass, i + 1, 0), { kind: "verdict", verdict: { kind: "return" } }]),
    rule([dnat(slotAbove(family, slotClass, i + 1))]),
  ]);
  return [{ name, rules: first }, { name: again, rules: further.flat() }];
}

/** 1 where a client is in the upper half of `level` slots. */
function half(family: Family, level: number, draw: number): AddressHash {
  return { kind: "address-hash", of: `${family} saddr`, modulus: 2, seed: seedOf(level, draw, 0), offset: 0 };
}

/** The slot of a client in the upper half of `level` slots; of one slot that slot. */
function slotAbove(family: Family, level: number, draw: number): AddressHash {
  const upper = Math.floor(level / 2);
  const seed = seedOf(level, draw, 1);
  return { kind: "address-hash", of: `${family} saddr`, modulus: Math.max(1, upper), seed, offset: upper };
}

/** A seed for each use. All nodes have the same, so that they agree where their lists do. */
function seedOf(level: number, draw: number, use: 0 | 1): number {
  return 1 + use + 2 * (draw + (CLIENT_DRAWS + 1) * Math.log2(level));
}

/** The endpoint that the chains choose for packets from `source`; there must be one. */
export function endpointOfClient({ endpoints }: Slots, family: Family, source: Address): string {
  const slotClass = classOf(endpoints.length);
  const found = (level: number, draw: number) =>
    addressHash(half(family, level, draw), source) === 1
      ? addressHash(slotAbove(family, level, draw), source)
      : undefined;
  for (let draw = 0; slotClass > 1 && draw <= CLIENT_DRAWS; draw++) {
    const slot = found(slotClass, draw);
    if (slot === undefined) break;
    if (slot < endpoints.length) return endpoints[slot]!;
  }
  for (let level = slotClass / 2; level > 1; level /= 2) {
    const slot = found(level, 0);
    if (slot !== undefined) return endpoints[slot]!;
  }
  return endpoints[0]!;
}
