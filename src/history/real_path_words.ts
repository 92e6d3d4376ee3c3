// The text that `why --live` prints: the rules that a real packet met, table by table, where it went, and whether the rules of the
// ledger say so.

import { endpointText } from "../nft/text.ts";
import { outcomeLines, outcomeText, percentText } from "./packet_words.ts";
import type { RealOutcome, RealPath } from "./real_path.ts";
import type { Packet } from "./trace.ts";
import { foundLines, REST } from "./why_words.ts";

/** The path as lines. Without `all`, long lists of elements and outcomes are shortened. */
export function realPathLines(
  { packet, node, at, steps, outcome, expected, agrees }: RealPath,
  all = false,
): string[] {
  const where = node === "" ? "this node" : `node ${node}`;
  const target = `${endpointText(packet.destination, packet.port)}/${packet.protocol}`;
  const lines = [`${packet.source} -> ${target} on ${where}, a packet that arrives now`, ""];
  let before = "";
  for (const step of steps) {
    if (step.table !== before) lines.push(`table ${step.table}`);
    before = step.table;
    const unknown = step.expected ? "" : `   not in the rules at @${at}`;
    // The verdict is part of our rules' text. A rule of which only the handle is known needs it.
    const verdict = /^rule \d+$|^policy$/.test(step.rule) ? ` ${step.verdict}` : "";
    lines.push(`  ${step.chain}: ${step.rule}${verdict}${unknown}`, ...foundLines(step.found, all));
  }
  lines.push("", realOutcomeText(packet, outcome));
  if (agrees) {
    const share = expected.find(({ destination, port }) =>
      destination === outcome.destination && port === outcome.port
    );
    const probability = share === undefined || share.probability === 1
      ? ""
      : `, with ${percentText(share.probability)}`;
    return [...lines, `The rules at @${at} lead there too${probability}.`];
  }
  return [
    ...lines,
    `The rules at @${at} lead elsewhere:`,
    ...outcomeLines(packet, expected, REST, all).map((line) => `  ${line}`),
  ];
}

function realOutcomeText(packet: Packet, outcome: RealOutcome): string {
  const { kind } = outcome;
  if (kind !== "lost") return outcomeText(packet, { ...outcome, kind, probability: 1 });
  return "lost behind the last of these rules: without a route, by a reverse path filter, or by a program that took it";
}
