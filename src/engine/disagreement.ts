// How the rules in the kernel can differ from what the ledger says was put there, each with its name. What to do about it
// is always the same: plan from what the kernel holds. What happened is for people, so it enters the ledger.

import type { LedgerRecord } from "../ledger/record.ts";
import type { Elements, Table } from "../nft/ruleset.ts";
import { type Digest, digestText } from "../plan/digest.ts";
import { positionOf } from "../plan/position.ts";

/**
 * `gone`: no table of ours (the node was started, or somebody removed them). `half`: only one family's. `foreign`: rules
 * follow another ledger, or nobody's. `ahead`: rules follow records that the ledger does not have. `behind`: rules were put
 * back to an earlier commit. `altered`: elements are not those of the position.
 */
export type Disagreement = "gone" | "half" | "foreign" | "ahead" | "behind" | "altered";

/** What the ledger says. */
export interface Recorded {
  readonly ledger: string;
  /** Offset of its last record. */
  readonly end: number;
  /** The last commit: the last record it folded; undefined before the first. */
  readonly committed: number | undefined;
}

/** What the kernel says. */
export interface Found {
  readonly tables: readonly Table[];
  readonly elements: Elements;
  /** Of both, but for the position. */
  readonly digest: Digest;
}

/** How `found` differs from what is recorded; undefined where it does not, or nothing was ever committed. */
export function disagreement({ ledger, end, committed }: Recorded, found: Found): Disagreement | undefined {
  if (found.tables.length === 0) return committed === undefined ? undefined : "gone";
  if (found.tables.length === 1) return "half";
  const position = positionOf(found.elements);
  if (position?.ledger !== ledger) return "foreign";
  if (position.offset > end) return "ahead";
  if (position.offset < (committed ?? -1)) return "behind";
  return digestText(found.digest) === position.digest ? undefined : "altered";
}

/**
 * Whether what stands follows records that the ledger does not hold: those it lost, or those of another ledger while this
 * one has never led to rules. What the ledger makes of the cluster may be less than what stands, so it must not replace it.
 */
export function isUnknownPast(kind: Disagreement, { committed }: Recorded): boolean {
  return kind === "ahead" || (kind === "foreign" && committed === undefined);
}

const TOLD: Readonly<Record<Disagreement, string>> = {
  gone: "our tables are gone: the node was started, or they were removed",
  half: "the table of one family is gone",
  foreign: "the rules follow another ledger",
  ahead: "the rules follow records that are not in the ledger: the disk lost them",
  behind: "the rules are those of an earlier commit",
  altered: "the elements are not those that were committed",
};

/** For people. */
export function disagreementText(kind: Disagreement): string {
  return TOLD[kind];
}

/** The record of a disagreement found at a start; who brought it about nobody saw. */
export function disagreementRecord(
  kind: Disagreement,
  { end }: Recorded,
  { elements }: Found,
  time: string,
): LedgerRecord {
  if (kind === "ahead") {
    return { kind: "gap", time, reason: TOLD.ahead, records: positionOf(elements)!.offset - end };
  }
  const response = "the rules are planned from what the kernel holds";
  return { kind: "drift", time, process: "", pid: 0, changes: [`${kind}: ${TOLD[kind]}`], response };
}
