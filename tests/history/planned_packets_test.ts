// The packets that would go elsewhere, where a Service restricts its sources.

import assert from "node:assert/strict";
import { emptyState } from "../../src/fold/cluster_state.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { packetsElsewhere } from "../../src/history/planned_packets.ts";
import { readServiceName } from "../../src/kube/service_name.ts";
import { offsetOf } from "../../src/ledger/record.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";

/** The state with a balancer that lets `ranges` through. */
function stateOf(...ranges: string[]) {
  const state = emptyState();
  const web = service("shop/web 10.96.0.1 http:80/tcp", "2026-01-01T00:00:00Z", {
    type: "LoadBalancer",
    loadBalancerSourceRanges: ranges,
  });
  const status = { loadBalancer: { ingress: [{ ip: "198.51.100.1" }] } };
  const events = [{ ...web, status }, slice("shop/web-a http:8080/tcp 10.244.0.1")].map(appears);
  events.forEach((event, i) => foldRecord(state, offsetOf(i), event));
  return state;
}

Deno.test("of each part of the sources that are let through before or after, one client sends", () => {
  const elsewhere = (before: string[], after: string[]) =>
    packetsElsewhere([readServiceName("shop/web")], stateOf(...before), stateOf(...after))
      .map(({ packet, serves }) => `${packet.source} ${packet.destination} ${serves}`);
  // The part between the two ranges after, though both ends of the range before stay.
  assert.deepEqual(elsewhere(["10.0.0.0/8"], ["10.0.0.0/10", "10.192.0.0/10"]), [
    "10.64.0.0 198.51.100.1 no more",
  ]);
  assert.deepEqual(elsewhere(["10.0.0.0/8"], ["10.0.0.0/8", "192.0.2.0/24"]), [
    "192.0.2.0 198.51.100.1 newly",
  ]);
  assert.deepEqual(elsewhere(["10.0.0.0/8"], ["10.0.0.0/9", "10.128.0.0/9"]), []);
});
