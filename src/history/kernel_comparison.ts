// How the rules in the kernel differ from those that a ledger has at the position which the kernel holds. Why not from those at
// the end of the ledger? On a live node records arrive while both are read, and records may wait for their commit.

import { separated } from "../nft/objects.ts";
import type { Ruleset } from "../nft/ruleset.ts";
import { digestText, rulesetDigest } from "../plan/digest.ts";
import { type Disagreement, disagreement } from "../plan/disagreement.ts";
import { positionOf } from "../plan/position.ts";
import { differences, type ElementDifference, sideOfKernel } from "./diff.ts";
import type { RulesAt, Verification } from "./verify.ts";

/** The kernel beside a ledger. */
export interface KernelComparison {
  /** How the position and the tables differ; undefined if they do not. */
  readonly disagreement: Disagreement | undefined;
  /** Elements that differ, from what the kernel holds to what the ledger says. */
  readonly elements: readonly ElementDifference[];
}

/** The position of the rules that a kernel lists: the offset of the last record that they follow, if they name one. */
export function listedPosition({ elements }: Ruleset): number | undefined {
  return positionOf(elements)?.offset;
}

/**
 * Compares our tables, as the kernel `listed` them before the ledger was read, with what was read. `moved`: the kernel held another
 * position after that, so that a commit which is newer than the listing is no disagreement.
 */
export function compareWithKernel(
  { verdict: { ledger, last }, state: { committed, gap }, rules }: Pick<
    Verification,
    "verdict" | "state" | "rules"
  >,
  listed: Ruleset,
  moved: boolean,
): KernelComparison {
  const { tables, elements } = separated(listed);
  const digest = rulesetDigest(tables, elements);
  const newest = moved ? undefined : committed;
  const found = disagreement({ ledger, end: last, committed: newest, gap: moved ? undefined : gap }, {
    tables,
    elements,
    digest,
  });
  const holds = found === undefined || found === "altered" || found === "behind";
  // Where the digest is that of the position, the kernel holds what was committed, whichever version made it.
  if (!holds || digestText(digest) === positionOf(elements)?.digest || rules === undefined) {
    return { disagreement: found, elements: [] };
  }
  return { disagreement: found, elements: differences(sideOfKernel(listed), sideOfRules(rules)) };
}

function sideOfRules({ elements }: RulesAt) {
  return { elements, cause: () => undefined };
}
