// The meaning of a ruleset, without slot numbers and slot classes: only these may depend on the order of events.

import { classidNumber, classidText } from "../../src/nft/data_type.ts";
import type { Elements } from "../../src/nft/ruleset.ts";
import { POSITION_PATH } from "../../src/plan/position.ts";
import { lines } from "./cluster_notation.ts";

/** An element with a lead, as its value or its key. */
const LEAD =
  /^(\S+ (?:(?:service|local-policy|local-only)-\S+|\S*affinity-classes) .* : |\S+ affinity-leads )([0-9a-f]+:[0-9a-f]+)/;

/** The bits of a slot class in a lead, and those of which one is set where a lead has something else in their place. */
const CLASS_BITS = 0xf0;
const OTHER_BITS = 0x100_0100;

/** Sorted lines, which are equal for rulesets that treat every packet alike. */
export function meaning(elements: Elements): string[] {
  const meant = new Map([...elements].filter(([path]) => path !== POSITION_PATH));
  const all = lines(meant, true).map((line) =>
    line.replace(/^(\S+ (?!single)\S*(?:endpoints|slots) .*) \. \d+( comment "[^"]*" : )/, "$1$2")
      .replace(LEAD, (_, place, lead) => place + withoutClass(lead))
  );
  // Slots with one endpoint, and leads to one chain, are one line now.
  return [...new Set(all)].sort();
}

function withoutClass(lead: string): string {
  const number = classidNumber(lead);
  return (number & OTHER_BITS) === 0 ? classidText((number & ~CLASS_BITS) >>> 0) : lead;
}
