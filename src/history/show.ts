// Shows one position: its record, the commit that folded it, the other records of that commit, and the rules after it.

import { assert } from "../invariant.ts";
import type { Placed } from "../ledger/reader.ts";
import type { LedgerRecord } from "../ledger/record.ts";
import { assembled } from "../nft/objects.ts";
import { rulesetText } from "../nft/text.ts";
import { commitOf, type PlacedCommit } from "./cause.ts";
import type { Lookup, PastState } from "./past.ts";

/** A position with its record, its commit and its rules. */
export interface ShownPosition {
  /** Offset of the record. */
  readonly offset: number;
  /** The record there. */
  readonly record: LedgerRecord;
  /** All records that the commit folded, apart from other commits. */
  readonly events: readonly Placed[];
  /** The commit that folded the record, or the record itself where it is one; null where no commit followed. */
  readonly commit: PlacedCommit | null;
  /** The rules after the record, as text for nft -f. */
  readonly rules: string;
}

/** Shows the last record that `past` folded. */
export function showPosition({ state, lookup }: PastState): ShownPosition {
  const here = lookup(state.folded);
  assert(here !== undefined, "the record that was folded last is kept");
  const { offset, record } = here;
  const commit = record.kind === "commit" ? { offset, record } : commitOf(lookup, offset) ?? null;
  const events = commit === null ? [] : [...eventsOf(lookup, commit)];
  const rules = rulesetText(assembled({ tables: state.tables, elements: state.desired }));
  return { offset, record, events, commit, rules };
}

function* eventsOf(lookup: Lookup, { record: { from, through } }: PlacedCommit): Generator<Placed> {
  for (let at = from; at <= through; at++) {
    const one = lookup(at);
    if (one !== undefined && one.record.kind !== "commit") yield one;
  }
}
