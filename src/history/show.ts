// Shows one position: its record, the commit that folded it, the other records of that commit, and the rules after it.

import { assert } from "../invariant.ts";
import { loadableText } from "../fold/ruleset_at.ts";
import type { Placed } from "../ledger/reader.ts";
import type { LedgerRecord } from "../ledger/record.ts";
import { objectNoun } from "../nft/objects.ts";
import type { Elements } from "../nft/ruleset.ts";
import { elementText } from "../nft/text.ts";
import { digestText, rulesetDigest } from "../plan/digest.ts";
import { commitBefore, commitOf, isDamage, type PlacedCommit } from "./cause.ts";
import type { Lookup, PastState } from "./past.ts";
import { madeByAnother, wholeRules } from "./recorded_rules.ts";

/**
 * Why no commit follows a record: `no change`, the kernel has the rules after it already; `no commits`, the ledger has none; `not yet`,
 * the kernel did not have them when the ledger ended.
 */
export type Uncommitted = "no change" | "no commits" | "not yet";

/** A position with its record, its commit and its rules. */
export interface ShownPosition {
  /** Offset of the record. */
  readonly offset: number;
  /** The record there. */
  readonly record: LedgerRecord;
  /** All records that the commit folded, apart from other commits. */
  readonly events: readonly Placed[];
  /** The commit that folded the record, or the record itself where it is one; null where no commit followed, or it cannot be read. */
  readonly commit: PlacedCommit | null;
  /** Why the commit cannot be read; absent where that is not so. */
  readonly damage?: string;
  /** Why there is no commit; absent where there is one, or it cannot be read. */
  readonly uncommitted?: Uncommitted;
  /**
   * The rules after the record, as text for nft -f. Where another version made them, and the ledger holds their elements alone,
   * the elements as commands of nft.
   */
  readonly rules: string;
  /** What of the rules the ledger does not hold, as text; null where it holds all. */
  readonly missing: string | null;
}

/** Shows the last record that `past` folded. */
export function showPosition(past: PastState): ShownPosition {
  const { state, lookup } = past;
  const here = lookup(state.folded);
  assert(here !== undefined, "the record that was folded last is kept");
  const { offset, record } = here;
  const found = record.kind === "commit" ? { offset, record } : commitOf(lookup, offset) ?? null;
  if (isDamage(found)) {
    return { offset, record, events: [], commit: null, damage: found.message, ...rulesOf(past) };
  }
  if (found === null) {
    return {
      offset,
      record,
      events: [],
      commit: null,
      uncommitted: whyUncommitted(past, record),
      ...rulesOf(past),
    };
  }
  return { offset, record, events: [...eventsOf(lookup, found)], commit: found, ...rulesOf(past) };
}

/** Why no commit follows `record`, the last that `past` folded. Only events and configurations can change rules. */
function whyUncommitted({ state, lookup }: PastState, record: LedgerRecord): Uncommitted {
  if (record.kind !== "event" && record.kind !== "config") return "no change";
  if (state.committed === undefined) return "no commits";
  const commit = commitBefore(lookup, state.folded);
  const same = commit?.record.digest === digestText(rulesetDigest(state.tables, state.desired));
  return same ? "no change" : "not yet";
}

function rulesOf(past: PastState): Pick<ShownPosition, "rules" | "missing"> {
  const { recorded } = past;
  if (recorded !== undefined && (recorded.tables === undefined || recorded.incomplete !== undefined)) {
    const missing = `${madeByAnother(recorded)}; ${recorded.incomplete ?? "its chains are not recorded"}`;
    return { rules: elementCommands(recorded.elements), missing };
  }
  return { rules: loadableText({ ...wholeRules(past), config: past.state.config }), missing: null };
}

/** A command of nft for each element. A Service's own chains and sets are comments: nft reads rules only one by one. */
function elementCommands(elements: Elements): string {
  return [...elements].flatMap(([set, keyed]) =>
    [...keyed.values()].map((element) =>
      objectNoun(set) === undefined
        ? `add element ${set} { ${elementText(element)} }`
        : `# ${set} ${element.key}: ${element.value}`
    )
  ).sort().join("\n");
}

function* eventsOf(lookup: Lookup, { record: { from, through } }: PlacedCommit): Generator<Placed> {
  for (let at = from; at <= through; at++) {
    const one = lookup(at);
    if (one !== undefined && one.record.kind !== "commit") yield one;
  }
}
