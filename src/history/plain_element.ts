// An element as answers have it: key, value and comment.

import type { Element } from "../nft/ruleset.ts";

/** `element` without its definition: a chain or a set of a Service has one, for the planner, and its value says the same. */
export function plainElement({ key, value, comment }: Element): Element {
  return {
    key,
    ...(value === undefined ? {} : { value }),
    ...(comment === undefined ? {} : { comment }),
  };
}
