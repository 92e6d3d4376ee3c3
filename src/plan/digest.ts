// The digest of a ruleset: the sum of the SHA-256 of each element, in eight lanes modulo 2^32, plus that of the static
// part. A sum does not depend on order and follows a Delta at the cost of that Delta (a multiset hash). It detects
// difference, not malice.

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

/** The digest of a whole ruleset, such as a listing; the committed position is not part of it. */
export function rulesetDigest(tables: readonly Table[], elements: Elements): Digest {
  const lanes = new Uint32Array(tablesDigest(tables));
  for (const [set, keyed] of elements) {
    if (set === POSITION_PATH) continue;
    for (const element of keyed.values()) addHash(lanes, hashedText(set, element), 1);
  }
  return lanes;
}

/** Lower-case hex, 64 digits. */
export function digestText(digest: Digest): string {
  return [...digest].map((lane) => lane.toString(16).padStart(8, "0")).join("");
}

/** The kernel lists in an order of its own, which means nothing outside a chain. */
function sorted(tables: readonly Table[]): Table[] {
  const byName = <T extends { readonly name: string }>(list: readonly T[]) =>
    [...list].sort((a, b) => a.name < b.name ? -1 : 1);
  return tables.map((table) => ({ ...table, sets: byName(table.sets), chains: byName(table.chains) }));
}

function hashedText(set: SetPath, element: Element): string {
  return `${set} { ${elementText(element)} }`;
}

/** Adds the SHA-256 of `text` to `lanes`, each lane four bytes of it, the first the lowest. */
function addHash(lanes: Uint32Array, text: string, sign: 1 | -1): void {
  const hex = hash("sha256", text, "hex");
  for (let lane = 0, at = 0; lane < LANES; lane++) {
    let word = 0;
    for (let shift = 0; shift < 32; shift += 8) {
      word |= (digitAt(hex, at++) << 4 | digitAt(hex, at++)) << shift;
    }
    lanes[lane]! += sign * word;
  }
}

/** The hexadecimal digit at `at`: "0" to "9" are 0x30 to 0x39, "a" to "f" 0x61 to 0x66. */
function digitAt(hex: string, at: number): number {
  const code = hex.charCodeAt(at);
  return (code & 15) + (code >> 6) * 9;
}
