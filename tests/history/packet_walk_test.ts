// The walk of a packet. Where packets go is in tests/scenario_test.ts; here is what the walk says of it, and how often.

import assert from "node:assert/strict";
import { stateAt } from "../../src/history/past.ts";
import { type PacketState, type Step, terrainOf, walkChain } from "../../src/history/packet_walk.ts";
import { canonicalAddress } from "../../src/nft/data_type.ts";
import { assembled } from "../../src/nft/objects.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";
import { committedPast } from "../support/past.ts";

/** The steps that a walk notes for a Service with so many endpoints: a power of two, so no slot is empty. */
function notedSteps(endpoints: number, rest: Parameters<typeof service>[2] = {}): Step[] {
  const addresses = Array.from({ length: endpoints }, (_, i) => `10.244.${1 + (i >> 7)}.${1 + (i & 127)}`);
  const objects = [
    service("shop/web 10.96.0.1 http:80/tcp", "2026-01-01T00:00:00Z", rest),
    slice(`shop/web-a http:8080/tcp ${addresses.join(" ")}`),
  ];
  const { state } = stateAt(committedPast([objects.map((object) => appears(object))]), 2);
  const whole = assembled({ tables: state.tables, elements: state.desired });
  const steps: Step[] = [];
  const table = whole.tables.find(({ family }) => family === "ip")!;
  const terrain = terrainOf(whole, table, { isLocal: () => false, note: (step) => steps.push(step) });
  const [source, destination] = [canonicalAddress("10.244.9.9"), canonicalAddress("10.96.0.1")];
  const packet: PacketState = {
    ...{ source, destination, original: destination, sender: source, pins: {}, protocol: "tcp", port: 80 },
    ...{ interface: "", mark: 0, priority: "none", translated: false, masqueraded: false },
  };
  const ended = walkChain(terrain, "nat-prerouting", { packet, probability: 1 });
  assert.equal(ended.length >= endpoints, true);
  return steps;
}

Deno.test("what a rule found for all draws together is noted once, and not for each endpoint", () => {
  const few = notedSteps(4).length;
  assert.equal(notedSteps(64).length, few);
});

Deno.test("with affinity too: only the rule that translates is noted for each endpoint", () => {
  const affinity = { sessionAffinity: "ClientIP" } as const;
  const drawn = (steps: readonly Step[]) => steps.filter(({ found }) => found.length > 1).length;
  assert.equal(drawn(notedSteps(64, affinity)), drawn(notedSteps(4, affinity)));
});
