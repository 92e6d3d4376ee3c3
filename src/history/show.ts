// One position: its record, the commit that folded it, everything else in that commit, and the rules after it.

import type { Placed } from "../ledger/reader.ts";
import type { LedgerRecord, Offset } from "../ledger/record.ts";
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
export function showPosition({ state, record }: PastState): ShownPosition {
  const offset = state.folded;
  const here = record(offset)!;
  const commit = here.kind === "commit"
    ? { offset: offset as Offset, record: here }
    : commitOf(record, offset) ?? null;
  const events = commit === null ? [] : [...eventsOf(record, commit)];
  const rules = rulesetText(assembled({ tables: state.tables, elements: state.desired }));
  return { offset, record: here, events, commit, rules };
}

function* eventsOf(record: Lookup, { record: { from, through } }: PlacedCommit): Generator<Placed> {
  for (let at = from; at <= through; at++) {
    const one = record(at);
    if (one !== undefined && one.kind !== "commit") yield { offset: at as Offset, record: one };
  }
}
