// The text about a plan.

import assert from "node:assert/strict";
import type { PlanAhead } from "../../src/history/plan_ahead.ts";
import { planLines } from "../../src/history/plan_ahead_words.ts";
import type { PlannedPacket } from "../../src/history/planned_packets.ts";
import { readPacket } from "../../src/history/packet_words.ts";
import type { Address } from "../../src/nft/data_type.ts";
import type { Packet } from "../../src/history/trace.ts";

const PACKET = readPacket("10.244.0.0", "10.96.0.1:80/tcp") as Packet;
const ANY = "203.0.113.77" as Address;
const to = (destination: string) =>
  ({ kind: "deliver", destination, port: 8080, masqueraded: false, probability: 1 }) as never;
const moved: PlannedPacket = {
  ...{ client: "pod", service: "shop/web", packet: PACKET, serves: "as now" },
  ...{ before: [to("10.0.0.1")], after: [to("10.0.0.2")] },
};
const reset = { ...moved.before[0]!, kind: "tcp-reset" } as const;

Deno.test("objects, then packets with those that are served no more first, then what else is to be known", () => {
  const plan: PlanAhead = {
    at: 7,
    objects: [
      { object: "Service shop/web", verb: "changes", changes: ["type: NodePort -> ClusterIP"] },
      { object: "Service shop/cart", verb: "stays", changes: [] },
    ],
    elements: [],
    packets: [moved, {
      ...moved,
      client: "outside",
      packet: { ...PACKET, source: ANY },
      serves: "no more",
      after: [reset],
    }],
    ...{ conflicts: ["a"], leftOut: ["b"], unknown: ["c"], refused: ["d"], unserved: 1 },
  };
  assert.deepEqual(planLines(plan), [
    "laid over @7: 1 object changes, 1 stays; 2 packets go elsewhere, 1 of them unserved",
    "REFUSED BY THE API SERVER  d",
    "Service shop/web changes",
    "    type: NodePort -> ClusterIP",
    "NO LONGER SERVED  from another host to 10.96.0.1:80/tcp, shop/web",
    "    - to 10.0.0.1:8080",
    "    + refused with a TCP reset",
    "from a pod of this node to 10.96.0.1:80/tcp, shop/web",
    "    - to 10.0.0.1:8080",
    "    + to 10.0.0.2:8080",
    "conflict: a",
    "left out: b",
    "unknown: c",
  ]);
});
