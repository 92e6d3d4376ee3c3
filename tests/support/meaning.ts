// What a ruleset means, apart from which slot an endpoint has and which class a frontend grew to: these may depend on
// how the state was reached, nothing else may.

import type { Elements } from "../../src/nft/ruleset.ts";
import { lines } from "./cluster_notation.ts";
import { POSITION_PATH } from "../../src/plan/position.ts";

/** Sorted lines that are equal for rulesets that do the same with every packet. */
export function meaning(elements: Elements): string[] {
  const meant = new Map([...elements].filter(([path]) => path !== POSITION_PATH));
  return lines(meant, true).map((line) =>
    line.replace(/^(\S+ \S*endpoints .*) \. \d+( comment "[^"]*" : )/, "$1$2")
      .replace(/(goto \S*pick)-\d+$/, "$1")
  ).sort();
}
