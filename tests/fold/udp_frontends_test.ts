// Which endpoints may answer the flows of a UDP frontend now.

import assert from "node:assert/strict";
import { emptyState } from "../../src/fold/cluster_state.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { noChanges } from "../../src/fold/fold_changes.ts";
import { udpFrontendNow, udpFrontends } from "../../src/fold/udp_frontends.ts";
import type { SliceEndpoint } from "../../src/kube/objects.ts";
import type { EventRecord, Offset } from "../../src/ledger/record.ts";
import { appears, service, slice, vanishes } from "../support/cluster_notation.ts";

Deno.test("the serving endpoints are those of the Service that holds the frontend; without one there are none", () => {
  const state = emptyState();
  const changes = noChanges();
  const take = (record: EventRecord) => foldRecord(state, state.folded + 1 as Offset, record, changes);
  const dns = service("shop/dns 10.96.0.10 dns:53/udp");
  take(appears(dns));
  take(appears(slice("shop/dns-a dns:5353/udp 10.244.0.1 10.244.0.2")));
  const claims = [...changes.staleFlows.keys()];
  assert.equal(claims.length, 1);
  const serving = () => udpFrontendNow(state, claims[0]!)?.serving;
  assert.deepEqual(serving(), ["10.244.0.1 . 5353", "10.244.0.2 . 5353"]);
  assert.equal(serving(), serving(), "the same list while nothing changes");
  take(appears(slice("shop/dns-a dns:5353/udp 10.244.0.2")));
  assert.deepEqual(serving(), ["10.244.0.2 . 5353"]);
  assert.deepEqual([...udpFrontends(state)].map(([claim, { serving }]) => [claim, serving]), [
    [claims[0], serving()],
  ]);
  take(vanishes(dns));
  assert.equal(serving(), undefined);
  assert.equal(udpFrontends(state).size, 0);
});

Deno.test("an endpoint that is ready keeps its flows when it does not serve, also among so many that they have an index", () => {
  const dns = service("shop/dns 10.96.0.10 dns:53/udp");
  for (const others of [1, 3000]) {
    const addresses = Array.from({ length: others }, (_, i) => `10.245.${i >> 8}.${i & 255}`);
    const all = slice(`shop/dns-a dns:5353/udp 10.244.0.1 ${addresses.join(" ")}`);
    const [first, ...rest] = all.endpoints;
    const withFirst = (conditions: SliceEndpoint["conditions"]) =>
      appears({ ...all, endpoints: [{ ...first!, conditions: conditions! }, ...rest] });
    const state = emptyState();
    const take = (record: EventRecord) => {
      const changes = noChanges();
      foldRecord(state, state.folded + 1 as Offset, record, changes);
      return changes.staleFlows.size;
    };
    take(appears(dns));
    take(withFirst({ ready: true, serving: true, terminating: false }));
    const serves = () => [...udpFrontends(state).values()][0]!.serving.includes("10.244.0.1 . 5353");
    // As publishNotReadyAddresses has a pod that is not ready, and one that ends.
    assert.equal(take(withFirst({ ready: true, serving: false, terminating: false })), 0);
    assert.equal(take(withFirst({ ready: true, serving: false, terminating: true })), 0);
    assert.ok(serves());
    assert.equal(take(withFirst({ ready: false, serving: false, terminating: true })), 1);
    assert.ok(!serves());
  }
});
