// The digest of a ruleset: the sum of the SHA-256 of each element, in eight lanes modulo 2^32, plus that of the static
// part (a multiset hash). Why not one hash over everything: a sum does not depend on order, and a Delta updates it at
// the cost of that Delta. The price: it detects accidents, not an attacker who chooses elements.

import { type Element, type Elements, type SetPath, type Table } from "../nft/ruleset.ts";
import { elementParts, rulesetText } from "../nft/text.ts";
import type { Delta } from "./delta.ts";
import { HashSum } from "./hash_sum.ts";
import { POSITION_PATH } from "./position.ts";

const LANES = 8;

const hashed = new Uint8Array(4 * LANES);
const hashedView = new DataView(hashed.buffer);

/** A digest as eight lanes. */
export type Digest = Readonly<Uint32Array<ArrayBuffer>>;

/** Digests that were asked for: a start asks twice for that of its own tables, which takes milliseconds. Nothing changes a table. */
const known = new WeakMap<readonly Table[], Digest>();

/** The digest of `tables` without elements. */
export function tablesDigest(tables: readonly Table[]): Digest {
  let digest = known.get(tables);
  if (digest === undefined) known.set(tables, digest = digestOf(tables));
  return digest;
}

function digestOf(tables: readonly Table[]): Digest {
  const lanes = new Uint32Array(LANES);
  const sum = new HashSum();
  sum.add([rulesetText({ tables: sorted(tables), elements: new Map() })], 1);
  sum.addTo(lanes);
  return lanes;
}

/** `digest` after `delta`. */
export function advanceDigest(digest: Digest, delta: Delta): Digest {
  const lanes = new Uint32Array(digest);
  const sum = new HashSum();
  for (const { set, before, after } of delta) {
    if (set === POSITION_PATH) continue;
    if (before !== undefined) sum.add(hashedTexts(set, before), -1);
    if (after !== undefined) sum.add(hashedTexts(set, after), 1);
  }
  sum.addTo(lanes);
  return lanes;
}

/** The digest of a whole ruleset, such as a listing. The position is not part of it: it contains the digest. */
export function rulesetDigest(tables: readonly Table[], elements: Elements): Digest {
  const lanes = new Uint32Array(tablesDigest(tables));
  const sum = new HashSum();
  for (const [set, keyed] of elements) {
    if (set === POSITION_PATH) continue;
    for (const element of keyed.values()) sum.add(hashedTexts(set, element), 1);
  }
  sum.addTo(lanes);
  return lanes;
}

/** `digest` in 64 lower-case hexadecimal digits. */
export function digestText(digest: Digest): string {
  digest.forEach((lane, at) => hashedView.setUint32(4 * at, lane));
  return hashed.toHex();
}

/** The digest that {@link digestText} wrote. */
export function readDigest(text: string): Digest {
  return new Uint32Array(LANES).map((_, lane) => parseInt(text.slice(8 * lane, 8 * lane + 8), 16));
}

/** Sets and chains by name: the order in which the kernel lists them has no meaning. Rules keep theirs. */
function sorted(tables: readonly Table[]): Table[] {
  const byName = <T extends { readonly name: string }>(list: readonly T[]) =>
    [...list].sort((a, b) => a.name < b.name ? -1 : 1);
  return tables.map((table) => ({ ...table, sets: byName(table.sets), chains: byName(table.chains) }));
}

function hashedTexts(set: SetPath, element: Element): readonly string[] {
  return [set, " { ", ...elementParts(element), " }"];
}
