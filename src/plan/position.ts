// The committed position, kept in the kernel as the comment of one element: it moves in the batch that moves the rules,
// or not at all.

import { POSITION_SET, TABLE } from "../fold/skeleton.ts";
import { type Element, type ElementKey, type Elements, setPath } from "../nft/ruleset.ts";

/** How far the rules in the kernel follow which ledger. */
export interface Position {
  /** Id of the ledger: 16 hex digits. */
  readonly ledger: string;
  /** Offset of the last record folded into the rules. */
  readonly offset: number;
  /** Digest of the ruleset at that offset: 64 hex digits. */
  readonly digest: string;
}

/** The set that holds the position; the table of family ip is always there. */
export const POSITION_PATH = setPath("ip", TABLE, POSITION_SET);

const KEY = "0x00000000" as ElementKey;
const COMMENT = /^ledger ([0-9a-f]{16}) at (-?\d+) digest ([0-9a-f]{64})$/;

/** The element that says `position`. */
export function positionElement({ ledger, offset, digest }: Position): Element {
  return { key: KEY, comment: `ledger ${ledger} at ${offset} digest ${digest}` };
}

/** The position that `elements` of a listing hold; undefined when there is none, or one nobody here wrote. */
export function positionOf(elements: Elements): Position | undefined {
  const match = COMMENT.exec(elements.get(POSITION_PATH)?.get(KEY)?.comment ?? "");
  return match === null ? undefined : { ledger: match[1]!, offset: Number(match[2]), digest: match[3]! };
}
