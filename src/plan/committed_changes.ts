// A delta as nft verbs: the element changes in a commit record, each with its cause, the record that made it necessary.

import type { CommittedChange } from "../ledger/record.ts";
import type { Element } from "../nft/ruleset.ts";
import type { Delta, ElementChange } from "./delta.ts";
import { POSITION_PATH } from "./position.ts";

/** The changes of `delta`, the position's left out. A change without a cause gets `through`, the last record folded. */
export function committedChanges(delta: Delta, through: number): CommittedChange[] {
  const changes: CommittedChange[] = [];
  for (const change of delta) {
    if (change.set === POSITION_PATH) continue;
    if (change.before) changes.push(committedChange("delete", change, change.before, through));
    if (change.after) changes.push(committedChange("add", change, change.after, through));
  }
  return changes;
}

/** How many changes {@link committedChanges} returns, without making them: a first load has hundreds of thousands. */
export function countCommittedChanges(delta: Delta): number {
  let count = 0;
  for (const { set, before, after } of delta) {
    if (set !== POSITION_PATH) count += (before ? 1 : 0) + (after ? 1 : 0);
  }
  return count;
}

/** The fields are in the order of the ledger's JSON, which saves sorting them. */
function committedChange(
  verb: CommittedChange["verb"],
  { set, key, cause }: ElementChange,
  { value, comment }: Element,
  through: number,
): CommittedChange {
  return {
    cause: cause ?? through,
    ...(comment === undefined ? {} : { comment }),
    key,
    set,
    ...(value === undefined ? {} : { value }),
    verb,
  };
}
