// Weights: the share of each endpoint, what 0 means, and what a wrong weight is. tests/kernel/traffic_test.ts sends packets.

import assert from "node:assert/strict";
import fc from "fast-check";
import { endpointsOf } from "../../src/fold/endpoints.ts";
import { SlicedEndpoints } from "../../src/fold/sliced_endpoints.ts";
import { assignSlots, NO_SLOTS } from "../../src/fold/slots.ts";
import { weighted, weightOf } from "../../src/fold/weights.ts";
import { servicesOfState } from "../../src/history/services.ts";
import { trace } from "../../src/history/trace.ts";
import type { EndpointSlice } from "../../src/kube/objects.ts";
import { readServiceName } from "../../src/kube/service_name.ts";
import { servicePorts } from "../../src/kube/service_port.ts";
import { SLOT_CLASS_MAX, WEIGHT_MAX } from "../../src/limits/rules.ts";
import { canonicalAddress } from "../../src/nft/data_type.ts";
import { appears, lines, service, slice } from "../support/cluster_notation.ts";
import { folded } from "../support/folded.ts";

const CONFIG = { kind: "config", time: "", version: "0", nodeName: "node-a" } as const;
const WEB = service("shop/web 10.96.0.1 http:80/tcp");
const weighing = (one: EndpointSlice, weight: string): EndpointSlice => ({
  ...one,
  metadata: { ...one.metadata, annotations: { "ledgerproxy.io/weight": weight } },
});
const HEAVY = slice("shop/web-a http:8080/tcp 10.244.0.1 10.244.0.2");
const LIGHT = slice("shop/web-b http:8080/tcp 10.244.0.3");

/** The endpoints that a packet to the Service can reach, with the share of each in hundredths. */
function shares(...slices: EndpointSlice[]): Record<string, number> {
  const { tables, desired } = folded(CONFIG, appears(WEB), ...slices.map(appears));
  const [source, destination] = ["10.244.9.9", "10.96.0.1"].map(canonicalAddress) as [never, never];
  const packet = { source, destination, protocol: "tcp", port: 80 } as const;
  const { outcomes } = trace({ tables, elements: desired }, packet, []);
  return Object.fromEntries(
    outcomes.map(({ kind, destination, probability }) =>
      [kind === "deliver" ? destination : kind, Math.round(probability * 100)] as const
    ).sort(),
  );
}

Deno.test("a packet reaches each endpoint with the share that its weight has in all", () => {
  assert.deepEqual(shares(HEAVY, LIGHT), { "10.244.0.1": 33, "10.244.0.2": 33, "10.244.0.3": 33 });
  const heavy = weighing(HEAVY, "2");
  assert.deepEqual(shares(heavy, LIGHT), { "10.244.0.1": 40, "10.244.0.2": 40, "10.244.0.3": 20 });
  assert.deepEqual(shares(weighing(HEAVY, "6"), weighing(LIGHT, "3")), shares(heavy, LIGHT));
  assert.deepEqual(shares(weighing(HEAVY, "2"), weighing(LIGHT, "2")), shares(HEAVY, LIGHT));
});

Deno.test("weight 0 gives no new connections, as if the endpoint were not ready", () => {
  assert.deepEqual(shares(weighing(HEAVY, "0"), LIGHT), { "10.244.0.3": 100 });
  assert.deepEqual(shares(weighing(HEAVY, "0")), { "tcp-reset": 100 });
  // UDP flows that such an endpoint has stay with it.
  const udp = service("shop/web 10.96.0.1 dns:53/udp");
  const dns = weighing(slice("shop/web-a dns:53/udp 10.244.0.1"), "0");
  const node = { name: "", zone: "", addresses: [], linkLocal: [], podCIDRs: [] };
  const { cluster, serving } = endpointsOf(servicePorts(udp)[0]!, new SlicedEndpoints([dns]), node);
  assert.deepEqual([cluster, serving], [[], ["10.244.0.1 . 53"]]);
});

Deno.test("a wrong weight is 1, and a remark names Service, slice and value", () => {
  for (const text of ["", "-1", "1.5", "x", " 2", "65", "1000", "2\n"]) {
    const state = folded(CONFIG, appears(WEB), appears(weighing(HEAVY, text)), appears(LIGHT));
    assert.equal(weightOf(weighing(HEAVY, text)), 1);
    const [[name, remarks] = []] = [...state.leftOut];
    assert.equal(name, "shop/web");
    assert.match(String(remarks), /^EndpointSlice web-a: ledgerproxy\.io\/weight is ".*", and not 0 to 64/s);
    assert.deepEqual(
      lines(state.desired),
      lines(folded(CONFIG, appears(WEB), appears(HEAVY), appears(LIGHT)).desired),
    );
  }
  const right = folded(CONFIG, appears(WEB), appears(weighing(HEAVY, String(WEIGHT_MAX))));
  assert.equal(right.leftOut.size, 0);
});

Deno.test("services shows the weight of each endpoint, and none that gets no traffic as serving", () => {
  const state = folded(CONFIG, appears(WEB), appears(weighing(HEAVY, "0")), appears(weighing(LIGHT, "3")));
  const [web] = servicesOfState(state, [readServiceName("shop/web")]);
  assert.deepEqual(
    web!.endpoints.map(({ endpoint, weight, traffic }) => `${endpoint} ${weight} ${traffic}`),
    ["10.244.0.1:8080 0 none", "10.244.0.2:8080 0 none", "10.244.0.3:8080 3 all"],
  );
  assert.equal(web!.ready, 1);
});

Deno.test("slots follow any weights, as few as keep the shares, and never more than there are", () => {
  const list = fc.uniqueArray(
    fc.record({
      text: fc.integer({ min: 0, max: 99 }).map((n) => `e${n}`),
      weight: fc.integer({ min: 1, max: WEIGHT_MAX }),
    }),
    { selector: ({ text }) => text, maxLength: 80 },
  );
  fc.assert(fc.property(fc.array(list, { maxLength: 5 }), list, (history, endpoints) => {
    const before = history.reduce((slots, one) => assignSlots(slots, weighted(one)), NO_SLOTS);
    const wanted = weighted(endpoints);
    assert.ok(wanted.length <= SLOT_CLASS_MAX);
    assert.deepEqual([...assignSlots(before, wanted).endpoints].sort(), wanted);
    const count = (text: string) => wanted.filter((one) => one === text).length;
    const total = endpoints.reduce((sum, { weight }) => sum + weight, 0);
    if (total <= SLOT_CLASS_MAX) {
      for (const { text, weight } of endpoints) assert.equal(count(text) * total, weight * wanted.length);
    }
  }));
  const many = Array.from({ length: 100 }, (_, i) => ({ text: `e${i}`, weight: i === 0 ? 1 : WEIGHT_MAX }));
  assert.equal(weighted(many).length, 100, "too many slots: each endpoint has one");
});
