// Lists that would remove much, and so are not applied before another list confirms them: the log line and the record.
// Why a record of kind `drift` and not one of its own kind? Earlier versions can read it, and it fits: something outside
// contradicts what the ledger holds, and `response` says what was done.

import type { KnownObjects, Removal } from "../ingest/relist.ts";
import type { ObjectKind } from "../kube/objects.ts";
import type { DriftRecord } from "../ledger/record.ts";

/** A list that is not applied yet. */
export interface HeldList extends Removal {
  /** Its objects. */
  readonly listed: KnownObjects;
}

/** What became of a list. */
export type HeldOutcome = "held" | "confirmed" | "withdrawn";

const RESPONSES: Readonly<Record<HeldOutcome, string>> = {
  held: "not taken; another list is asked for",
  confirmed: "confirmed by another list; deleted",
  withdrawn: "another list has them; nothing was deleted",
};

/** `Service: a list without 12 of 14 known Services: not taken; another list is asked for`. */
export function heldListText(kind: ObjectKind, removal: Removal, outcome: HeldOutcome): string {
  return `${kind}: ${removalText(removal)}: ${RESPONSES[outcome]}`;
}

/** The record of a list and its outcome, at `time`. */
export function heldListRecord(
  kind: ObjectKind,
  removal: Removal,
  outcome: HeldOutcome,
  time: string,
): DriftRecord {
  const changes = [`${kind}: ${removalText(removal)}`];
  return { kind: "drift", time, process: "API server", pid: 0, changes, response: RESPONSES[outcome] };
}

/** `a list without 12 of 14 known Services`. */
export function removalText({ of, removed, known }: Removal): string {
  return `a list without ${removed} of ${known} known ${of}`;
}
