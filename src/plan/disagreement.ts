// How the rules that a start finds in the kernel can differ from what the ledger says was committed. The engine always does
// the same: it plans from what the kernel holds. The kind of difference is for a person who reads the log or the ledger.

import type { LedgerRecord } from "../ledger/record.ts";
import type { Elements, Table } from "../nft/ruleset.ts";
import { type Digest, digestText } from "./digest.ts";
import { positionOf } from "./position.ts";

/**
 * `gone`: our tables are absent: the node was started, or another program removed them. `half`: one family's table is
 * absent. `foreign`: the position names another ledger, or there is none. `ahead`: the position is behind the end of the
 * ledger, or behind a gap that no commit has closed: its records were lost. `behind`: the position is that of an earlier commit. `altered`: the elements are not those of the position.
 */
export type Disagreement = "gone" | "half" | "foreign" | "ahead" | "behind" | "altered";

/** What the ledger says. */
export interface Recorded {
  readonly ledger: string;
  /** Offset of its last record. */
  readonly end: number;
  /** The last commit: the last record it folded; undefined before the first. */
  readonly committed: number | undefined;
  /** The last gap, where no rules were committed behind it; see `ClusterState.gap`. */
  readonly gap: number | undefined;
}

/** What a listing of our tables says. */
export interface ListedRules {
  readonly tables: readonly Table[];
  readonly elements: Elements;
  /** Digest of both, without the position. */
  readonly digest: Digest;
}

/** How `listed` differs from what is recorded; undefined if it does not, or if nothing was ever committed. */
export function disagreement(
  { ledger, end, committed, gap }: Recorded,
  listed: ListedRules,
): Disagreement | undefined {
  if (listed.tables.length === 0) return committed === undefined ? undefined : "gone";
  if (listed.tables.length === 1) return "half";
  const position = positionOf(listed.elements);
  if (position?.ledger !== ledger) return "foreign";
  if (position.offset > end || position.offset >= (gap ?? Infinity)) return "ahead";
  if (position.offset < (committed ?? -1)) return "behind";
  return digestText(listed.digest) === position.digest ? undefined : "altered";
}

/**
 * Whether the rules in the kernel follow records that this ledger does not hold: it lost them, or they are another ledger's
 * and this one never led to rules. The ledger may know less of the cluster than those rules serve, so rules made from it
 * must not replace them.
 */
export function isUnknownPast(kind: Disagreement, { committed }: Recorded): boolean {
  return kind === "ahead" || (kind === "foreign" && committed === undefined);
}

const TEXTS: Readonly<Record<Disagreement, string>> = {
  gone: "our tables are gone: the node was started, or they were removed",
  half: "the table of one family is gone",
  foreign: "the rules follow another ledger",
  ahead: "the rules follow records that are not in the ledger: the disk lost them",
  behind: "the rules are those of an earlier commit",
  altered: "the elements are not those that were committed",
};

/** The disagreement in words. */
export function disagreementText(kind: Disagreement): string {
  return TEXTS[kind];
}

/** The record of a disagreement. Which program caused it is not known: this one was not running. */
export function disagreementRecord(
  kind: Disagreement,
  { end }: Recorded,
  { elements }: ListedRules,
  time: string,
): LedgerRecord {
  if (kind === "ahead") {
    const { offset } = positionOf(elements)!;
    // What is not behind the end was counted by the gap before it.
    return { kind: "gap", time, reason: TEXTS.ahead, records: Math.max(0, offset - end) };
  }
  const response = "the rules are planned from what the kernel holds";
  return { kind: "drift", time, process: "", pid: 0, changes: [`${kind}: ${TEXTS[kind]}`], response };
}
