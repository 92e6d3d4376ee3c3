// Which endpoints may answer the flows of a UDP frontend now.

import assert from "node:assert/strict";
import { emptyState } from "../../src/fold/cluster_state.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { noChanges } from "../../src/fold/fold_changes.ts";
import { udpFrontendNow, udpFrontends } from "../../src/fold/udp_frontends.ts";
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
