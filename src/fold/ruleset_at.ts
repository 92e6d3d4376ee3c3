// A ruleset as a whole: that of a state, and that which a ledger leads to at an offset.

import { assert } from "../invariant.ts";
import type { LedgerRecord, Offset } from "../ledger/record.ts";
import { assembled } from "../nft/objects.ts";
import { renamedTables, type Ruleset } from "../nft/ruleset.ts";
import { rulesetText } from "../nft/text.ts";
import { type ClusterState, emptyState, type Rules } from "./cluster_state.ts";
import { foldRecord } from "./fold.ts";
import { kernelTable, TABLE } from "./skeleton.ts";

/** The ruleset of `state` as text that `nft -f` loads, with the name that its table has in the kernel. */
export function loadableText(
  { tables, desired, config }: Rules & Pick<ClusterState, "config">,
): string {
  const ruleset = assembled({ tables, elements: desired });
  return rulesetText(renamedTables(ruleset, TABLE, kernelTable(config.serviceProxyName)));
}

/**
 * The ruleset, as the kernel would list it, after the record at offset `through` (all records when left out). Throws
 * InvariantError where `records` do not begin at offset 0, as those of a ledger whose past was removed.
 */
export function rulesetAt(
  records: Iterable<{ readonly offset: Offset; readonly record: LedgerRecord }>,
  through = Infinity,
): Ruleset {
  const state = emptyState();
  for (const { offset, record } of records) {
    if (offset > through) break;
    assert(offset === state.folded + 1, `the records before @${offset} are missing`);
    foldRecord(state, offset, record);
  }
  return assembled({ tables: state.tables, elements: state.desired });
}
