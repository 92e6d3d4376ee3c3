// The text that `why` prints: the path of a packet, hook by hook and rule by rule, then its outcomes.

import { elementText, endpointText } from "../nft/text.ts";
import { writerText } from "./record_words.ts";
import { outcomeText } from "./packet_words.ts";
import { isByClient } from "../fold/choice_chains.ts";
import { countText } from "./table_words.ts";
import type { FoundElement, PacketPath } from "./why.ts";

/** The path as lines. */
export function pathLines({ packet, node, at, steps, outcomes, rivals }: PacketPath): string[] {
  const where = node === "" ? "this node" : `node ${node}`;
  const target = `${endpointText(packet.destination, packet.port)}/${packet.protocol}`;
  const lines = [`${packet.source} -> ${target} on ${where} at @${at}`, ""];
  let before = "";
  for (const { hook, priority, chain, rule, found } of steps) {
    const here = `${hook}, priority ${priority}`;
    if (here !== before) lines.push(here);
    before = here;
    lines.push(`  ${chain}: ${rule}`, ...found.map(foundLine));
  }
  if (steps.length > 0) lines.push("");
  if (steps.some(({ chain }) => isByClient(chain))) {
    lines.push(`${packet.source} meets the same endpoint each time, while the list of endpoints stands`);
  }
  return [...lines, ...outcomes.map((outcome) => outcomeText(packet, outcome)), ...rivals];
}

/** An element that a rule found, with its cause. */
export function foundLine(element: FoundElement): string {
  const { set, cause, connections } = element;
  const count = connections === undefined ? "" : `   ${countText(connections, "connection")}`;
  const by = cause === undefined ? "" : `   by @${cause.offset} ${cause.what}`;
  const writer = cause?.writer === undefined ? "" : `, written by ${writerText(cause.writer)}`;
  return `      @${set} { ${elementText(element)} }${count}${by}${writer}`;
}
