// The text that `why` prints: the path of a packet, hook by hook and rule by rule, then its outcomes.

import { countText } from "../count_text.ts";
import { elementText, endpointText } from "../nft/text.ts";
import { writerText } from "./record_words.ts";
import { outcomeLines } from "./packet_words.ts";
import { shortened } from "./shortened.ts";
import { isByClient } from "../fold/choice_chains.ts";
import { groupedText } from "./table_words.ts";
import type { FoundElement, PacketPath } from "./why.ts";

/** Where a person finds what a long answer leaves out. */
export const REST = ": --all prints them";

/** The path as lines. Without `all`, long lists of elements and outcomes are shortened. */
export function pathLines(
  { packet, node, at, steps, outcomes, rivals }: PacketPath,
  all = false,
): string[] {
  const where = node === "" ? "this node" : `node ${node}`;
  const target = `${endpointText(packet.destination, packet.port)}/${packet.protocol}`;
  const lines = [`${packet.source} -> ${target} on ${where} at @${at}`, ""];
  let before = "";
  for (const { hook, priority, chain, rule, found } of steps) {
    const here = `${hook}, priority ${priority}`;
    if (here !== before) lines.push(here);
    before = here;
    lines.push(`  ${chain}: ${rule}`, ...foundLines(found, all));
  }
  if (steps.length > 0) lines.push("");
  if (steps.some(({ chain }) => isByClient(chain))) {
    lines.push(`${packet.source} meets the same endpoint each time, while the list of endpoints stands`);
  }
  return [...lines, ...outcomeLines(packet, outcomes, REST, all), ...rivals];
}

/** Lines of the elements that a rule found. Without `all`, a long list is shortened. */
export function foundLines(found: readonly FoundElement[], all: boolean): string[] {
  const { shown, more } = shortened(found, all);
  const rest = more.length === 0 ? [] : [`      and ${groupedText(more.length)} more elements${REST}`];
  return [...shown.map(foundLine), ...rest];
}

/** An element that a rule found, with its cause. */
function foundLine(element: FoundElement): string {
  const { set, cause, connections } = element;
  const count = connections === undefined ? "" : `   ${countText(connections, "connection")}`;
  const by = cause === undefined ? "" : `   by @${cause.offset} ${cause.what}`;
  const writer = cause?.writer === undefined ? "" : `, written by ${writerText(cause.writer)}`;
  return `      @${set} { ${elementText(element)} }${count}${by}${writer}`;
}
