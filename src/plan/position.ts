// The committed position, kept in the kernel as the comment of one element. It is part of the batch that changes the
// rules, so the kernel cannot hold the rules of one position and the comment of another.

import { POSITION_SET, TABLE } from "../fold/skeleton.ts";
import { canonicalKey, type Element, type Elements, setPath } from "../nft/ruleset.ts";

/** Which ledger the rules in the kernel follow, and up to which record. */
export interface Position {
  /** Id of the ledger: 16 hex digits. */
  readonly ledger: string;
  /** Offset of the last record folded into the rules. */
  readonly offset: number;
  /** Digest of the ruleset at that offset: 64 hex digits. */
  readonly digest: string;
}

/** The set that holds the position. It is in the table of family ip, which exists in every configuration. */
export const POSITION_PATH = setPath("ip", TABLE, POSITION_SET);

const KEY = canonicalKey("0x00000000");
const COMMENT = /^ledger ([0-9a-f]{16}) at (-?\d+) digest ([0-9a-f]{64})$/;

/** The element that holds `position`. */
export function positionElement({ ledger, offset, digest }: Position): Element {
  return { key: KEY, comment: `ledger ${ledger} at ${offset} digest ${digest}` };
}

/** The position in `elements` of a listing; undefined where there is none, or another program wrote another comment. */
export function positionOf(elements: Elements): Position | undefined {
  const match = COMMENT.exec(elements.get(POSITION_PATH)?.get(KEY)?.comment ?? "");
  return match === null ? undefined : { ledger: match[1]!, offset: Number(match[2]), digest: match[3]! };
}
