// The meaning of a ruleset, without slot numbers and slot classes: only these may depend on the order of events.

import type { Elements } from "../../src/nft/ruleset.ts";
import { lines } from "./cluster_notation.ts";
import { POSITION_PATH } from "../../src/plan/position.ts";

/** An element with a lead that has a slot class: its map and key, and the number of the lead's kind. */
const LEAD =
  /^(\S+ (?:(?:service|local-policy|local-only)-\S+|\S*affinity-classes) .* : )(?:0\.(\d)\.(?!255\.255$)\d+\.\d+|100::(?:(\d):)?(?!ffff$)[0-9a-f]+)$/;

/** Sorted lines, which are equal for rulesets that treat every packet alike. */
export function meaning(elements: Elements): string[] {
  const meant = new Map([...elements].filter(([path]) => path !== POSITION_PATH));
  return lines(meant, true).map((line) =>
    line.replace(/^(\S+ (?!single)\S*(?:endpoints|slots) .*) \. \d+( comment "[^"]*" : )/, "$1$2")
      .replace(LEAD, (_, map, ip, ip6) => `${map}kind ${ip ?? ip6 ?? 0}`)
  ).sort();
}
