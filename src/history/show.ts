// One position: its record, the commit that folded it, everything else in that commit, and the rules after it.

import { assert } from "../invariant.ts";
import type { Placed } from "../ledger/reader.ts";
import type { LedgerRecord } from "../ledger/record.ts";
import { assembled } from "../nft/objects.ts";
import { rulesetText } from "../nft/text.ts";
import { commitOf, type PlacedCommit } from "./cause.ts";
import type { Lookup, PastState } from "./past.ts";

/** What happened at a position. */
export interface ShownPosition {
  /** The position. */
  readonly offset: number;
  /** The record there. */
  readonly record: LedgerRecord;
  /** All records that the commit folded, without other commits. */
  readonly events: readonly Placed[];
  /** The commit itself, where `record` is one; null where the record was not committed. */
  readonly commit: PlacedCommit | null;
  /** The rules after the record, as text for nft -f. */
  readonly rules: string;
}

/** What happened at the last record that `past` folded. */
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
