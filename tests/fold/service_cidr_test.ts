// Service CIDRs: packets to an address in the CIDR of any ServiceCIDR object are dropped unless a Service has the address.

import assert from "node:assert/strict";
import { emptyState } from "../../src/fold/cluster_state.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import type { ServiceCIDR } from "../../src/kube/objects.ts";
import type { Offset } from "../../src/ledger/record.ts";
import { appears, lines, vanishes } from "../support/cluster_notation.ts";

const cidr = (name: string, ...cidrs: string[]): ServiceCIDR => ({
  kind: "ServiceCIDR",
  metadata: { name },
  spec: { cidrs },
});

Deno.test("service CIDRs are the union of all objects, and nested ones count once", () => {
  const state = emptyState();
  let offset = 0;
  const after = (...events: ReturnType<typeof appears>[]) => {
    for (const event of events) foldRecord(state, offset++ as Offset, event);
    return lines(state.desired);
  };
  assert.deepEqual(after(appears(cidr("kubernetes", "10.96.0.0/12", "fd00:96::/112"))), [
    "ip service-cidrs 10.96.0.0/12",
    "ip6 service-cidrs fd00:96::/112",
  ]);
  assert.deepEqual(after(appears(cidr("more", "10.100.0.0/16", "10.200.1.77/16", "fd00:96::/112"))), [
    "ip service-cidrs 10.200.0.0/16",
    "ip service-cidrs 10.96.0.0/12",
    "ip6 service-cidrs fd00:96::/112",
  ]);
  assert.deepEqual(after(vanishes(cidr("kubernetes"))), [
    "ip service-cidrs 10.100.0.0/16",
    "ip service-cidrs 10.200.0.0/16",
    "ip6 service-cidrs fd00:96::/112",
  ]);
  assert.deepEqual(after(appears(cidr("more"))), []);
});
