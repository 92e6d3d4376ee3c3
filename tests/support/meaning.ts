// The meaning of a ruleset, without slot numbers and slot classes: only these may depend on the order of events.

import type { Elements } from "../../src/nft/ruleset.ts";
import { lines } from "./cluster_notation.ts";
import { POSITION_PATH } from "../../src/plan/position.ts";

/** Sorted lines, which are equal for rulesets that treat every packet alike. */
export function meaning(elements: Elements): string[] {
  const meant = new Map([...elements].filter(([path]) => path !== POSITION_PATH));
  return lines(meant, true).map((line) =>
    line.replace(/^(\S+ \S*endpoints .*) \. \d+( comment "[^"]*" : )/, "$1$2")
      .replace(/(goto \S*pick)-\d+$/, "$1")
  ).sort();
}
