// The digest of a ruleset: the sum of the SHA-256 of each element, in eight lanes modulo 2^32, plus that of the static
// part. A sum does not depend on order and follows a change at the cost of that change (a multiset hash). It detects
// difference, not malice.

import { createHash } from "node:crypto";
import { type Element, type Elements, type SetPath, splitSetPath, type Table } from "../nft/ruleset.ts";
import { elementText, rulesetText } from "../nft/text.ts";
import { POSITION_SET } from "./skeleton.ts";

const LANES = 8;

/** A running digest; changed in place by its owner. */
export type Digest = Uint32Array<ArrayBuffer>;

/** The digest of `tables` without elements. */
export function emptyDigest(tables: readonly Table[]): Digest {
  const digest: Digest = new Uint32Array(LANES);
  addHash(digest, rulesetText({ tables: sorted(tables), elements: new Map() }), 1);
  return digest;
}

/** Adds (`sign` 1) or takes away (-1) one element of set `path`. */
export function addElement(digest: Digest, path: SetPath, element: Element, sign: 1 | -1): void {
  addHash(digest, `${path} { ${elementText(element)} }`, sign);
}

/** Lower-case hex, 64 digits. */
export function digestText(digest: Digest): string {
  return [...digest].map((lane) => lane.toString(16).padStart(8, "0")).join("");
}

/** The digest of a whole ruleset, such as a listing; the committed position is not part of it. */
export function rulesetDigest(tables: readonly Table[], elements: Elements): string {
  const digest = emptyDigest(tables);
  for (const [path, set] of elements) {
    if (splitSetPath(path).name === POSITION_SET) continue;
    for (const element of set.values()) addElement(digest, path, element, 1);
  }
  return digestText(digest);
}

/** The kernel lists in an order of its own, which means nothing outside a chain. */
function sorted(tables: readonly Table[]): Table[] {
  const byName = <T extends { readonly name: string }>(list: readonly T[]) =>
    [...list].sort((a, b) => a.name < b.name ? -1 : 1);
  return tables.map((table) => ({ ...table, sets: byName(table.sets), chains: byName(table.chains) }));
}

function addHash(digest: Digest, text: string, sign: 1 | -1): void {
  const hash = createHash("sha256").update(text).digest();
  for (let lane = 0; lane < LANES; lane++) digest[lane]! += sign * hash.readInt32LE(lane * 4);
}
