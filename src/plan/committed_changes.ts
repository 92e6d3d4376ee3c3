// A delta in nft's words: the element changes that a commit record names, each with the record that caused it.

import type { CommittedChange } from "../ledger/record.ts";
import type { Element } from "../nft/ruleset.ts";
import type { Delta, ElementChange } from "./delta.ts";
import { POSITION_PATH } from "./position.ts";

/** The changes of `delta` but for the position's. Those without a cause are put down to record `through`. */
export function committedChanges(delta: Delta, through: number): CommittedChange[] {
  return delta.filter(({ set }) => set !== POSITION_PATH).flatMap((change) => {
    const { before, after } = change;
    return [
      ...(before ? [committedChange("delete", change, before, through)] : []),
      ...(after ? [committedChange("add", change, after, through)] : []),
    ];
  });
}

/** How many {@link committedChanges} makes of `delta`. */
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
