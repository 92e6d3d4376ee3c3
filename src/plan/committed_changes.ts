// A delta as nft verbs: the element changes in a commit record, each with its cause, the record that made it necessary.

import type { CommittedChange } from "../ledger/record.ts";
import type { Element } from "../nft/ruleset.ts";
import type { Delta, ElementChange } from "./delta.ts";
import { POSITION_PATH } from "./position.ts";

/** The changes of `delta`, the position's left out. A change without a cause gets `through`, the last record folded. */
export function committedChanges(delta: Delta, through: number): CommittedChange[] {
  return delta.filter(({ set }) => set !== POSITION_PATH).flatMap((change) => {
    const { before, after } = change;
    return [
      ...(before ? [committedChange("delete", change, before, through)] : []),
      ...(after ? [committedChange("add", change, after, through)] : []),
    ];
  });
}

/** How many changes {@link committedChanges} returns, without making them: a first load has hundreds of thousands. */
export function countCommittedChanges(delta: Delta): number {
  let count = 0;
  for (const { set, before, after } of delta) {
    if (set !== POSITION_PATH) count += (before ? 1 : 0) + (after ? 1 : 0);
  }
  return count;
}

function committedChange(
  verb: CommittedChange["verb"],
  { set, key, cause }: ElementChange,
  { value, comment }: Element,
  through: number,
): CommittedChange {
  return {
    ...{ verb, set, key, cause: cause ?? through },
    ...(value === undefined ? {} : { value }),
    ...(comment === undefined ? {} : { comment }),
  };
}
