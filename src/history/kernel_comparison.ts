// How the rules in the kernel differ from those that a ledger ends with.

import type { ClusterState } from "../fold/cluster_state.ts";
import { separated } from "../nft/objects.ts";
import type { Ruleset } from "../nft/ruleset.ts";
import { rulesetDigest } from "../plan/digest.ts";
import { type Disagreement, disagreement } from "../plan/disagreement.ts";
import { differences, type ElementDifference, sideOfKernel, sideOfState } from "./diff.ts";

/** The kernel beside a ledger. */
export interface KernelComparison {
  /** How the position and the tables differ; undefined if they do not. */
  readonly disagreement: Disagreement | undefined;
  /** Elements that differ, from what the kernel holds to what the ledger says. */
  readonly elements: readonly ElementDifference[];
}

/** Compares our tables, as the kernel `listed` them, with `state`, in which the ledger with id `ledger` ends. */
export function compareWithKernel(ledger: string, state: ClusterState, listed: Ruleset): KernelComparison {
  const { tables, elements } = separated(listed);
  const rules = { tables, elements, digest: rulesetDigest(tables, elements) };
  return {
    disagreement: disagreement({ ledger, end: state.folded, committed: state.committed }, rules),
    elements: differences(sideOfKernel(listed), sideOfState(state)),
  };
}
