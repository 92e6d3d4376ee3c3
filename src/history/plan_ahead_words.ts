// The text that `plan` prints: what objects would change, then which packets would go elsewhere.

import { countText } from "../count_text.ts";
import { outcomesText } from "./packet_words.ts";
import { isAnyHost } from "./frontend_packets.ts";
import { placeText, type PlanAhead } from "./plan_ahead.ts";
import type { PlannedPacket } from "./planned_packets.ts";

const CLIENTS: Readonly<Record<PlannedPacket["client"], string>> = {
  pod: "from a pod of this node",
  node: "from this node",
  outside: "from another host",
};
const SERVES: Readonly<Record<PlannedPacket["serves"], string>> = {
  "as now": "",
  "no more": "NO LONGER SERVED  ",
  newly: "newly served  ",
  neither: "",
};

/** The plan as lines, the worst packets first. */
export function planLines(
  { at, objects, packets, conflicts, leftOut, unknown, refused, unserved }: PlanAhead,
): string[] {
  const changed = objects.filter(({ verb }) => verb !== "stays");
  const stays = objects.length - changed.length;
  return [
    `laid over @${at}: ${countText(changed.length, "object changes", "objects change")}, ${stays} ${
      stays === 1 ? "stays" : "stay"
    }; ${countText(packets.length, "packet goes", "packets go")} elsewhere, ${unserved} of them unserved`,
    ...refused.map((text) => `REFUSED BY THE API SERVER  ${text}`),
    ...changed.flatMap(({ object, verb, changes }) => [
      `${object} ${verb}`,
      ...changes.map((change) => `    ${change}`),
    ]),
    ...packets.toSorted((a, b) => ORDER.indexOf(a.serves) - ORDER.indexOf(b.serves)).flatMap(packetLines),
    ...conflicts.map((text) => `conflict: ${text}`),
    ...leftOut.map((text) => `left out: ${text}`),
    ...unknown.map((text) => `unknown: ${text}`),
  ];
}

const ORDER: readonly PlannedPacket["serves"][] = ["no more", "as now", "newly", "neither"];

function packetLines({ client, service, packet, serves, before, after }: PlannedPacket): string[] {
  const texts = (outcomes: PlannedPacket["before"]) => outcomesText(packet, outcomes);
  return [
    `${SERVES[serves]}${
      client === "outside" && !isAnyHost(packet.source) ? `from ${packet.source}` : CLIENTS[client]
    } to ${placeText(packet)}, ${service}`,
    `    - ${texts(before)}`,
    `    + ${texts(after)}`,
  ];
}
