// The digest of a ruleset: the sum of the SHA-256 of each element, in eight lanes modulo 2^32, plus that of the static
// part (a multiset hash). Why not one hash over everything: a sum does not depend on order, and a Delta updates it at
// the cost of that Delta. The price: it detects accidents, not an attacker who chooses elements.

import { hash } from "node:crypto";
import { type Element, type Elements, type SetPath, type Table } from "../nft/ruleset.ts";
import { elementText, rulesetText } from "../nft/text.ts";
import type { Delta } from "./delta.ts";
import { POSITION_PATH } from "./position.ts";

const LANES = 8;

/** A digest as eight lanes. */
export type Digest = Readonly<Uint32Array<ArrayBuffer>>;

/** The digest of `tables` without elements. */
export function tablesDigest(tables: readonly Table[]): Digest {
  const lanes = new Uint32Array(LANES);
  addHash(lanes, rulesetText({ tables: sorted(tables), elements: new Map() }), 1);
  return lanes;
}

/** `digest` after `delta`. */
export function advanceDigest(digest: Digest, delta: Delta): Digest {
  const lanes = new Uint32Array(digest);
  for (const { set, before, after } of delta) {
    if (set === POSITION_PATH) continue;
    if (before !== undefined) addHash(lanes, hashedText(set, before), -1);
    if (after !== undefined) addHash(lanes, hashedText(set, after), 1);
  }
  return lanes;
}

/** The digest of a whole ruleset, such as a listing. The position is not part of it: it contains the digest. */
export function rulesetDigest(tables: readonly Table[], elements: Elements): Digest {
  const lanes = new Uint32Array(tablesDigest(tables));
  for (const [set, keyed] of elements) {
    if (set === POSITION_PATH) continue;
    for (const element of keyed.values()) addHash(lanes, hashedText(set, element), 1);
  }
  return lanes;
}

/** `digest` in 64 lower-case hexadecimal digits. */
export function digestText(digest: Digest): string {
  return [...digest].map((lane) => lane.toString(16).padStart(8, "0")).join("");
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

function hashedText(set: SetPath, element: Element): string {
  return `${set} { ${elementText(element)} }`;
}

/** Adds the SHA-256 of `text` to `lanes`, or subtracts it: four bytes a lane, the lowest first. */
function addHash(lanes: Uint32Array, text: string, sign: 1 | -1): void {
  const hex = hash("sha256", text, "hex");
  for (let lane = 0, at = 0; lane < LANES; lane++) {
    let value = 0;
    for (let shift = 0; shift < 32; shift += 8) {
      value |= (digitAt(hex, at++) << 4 | digitAt(hex, at++)) << shift;
    }
    lanes[lane]! += sign * value;
  }
}

/** The hexadecimal digit at `at`: "0" to "9" are 0x30 to 0x39, "a" to "f" 0x61 to 0x66. */
function digitAt(hex: string, at: number): number {
  const code = hex.charCodeAt(at);
  return (code & 15) + (code >> 6) * 9;
}
