// Whatever ServiceCIDRs come and go, the elements are the blocks that are in no other one; few are looked at.

import assert from "node:assert/strict";
import fc from "fast-check";
import { emptyState } from "../../src/fold/cluster_state.ts";
import { noChanges } from "../../src/fold/fold_changes.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { cidrElements } from "../../src/fold/service_cidrs.ts";
import { cidrText, disjoint, parseCidr } from "../../src/kube/address.ts";
import type { EventRecord, Offset } from "../../src/ledger/record.ts";

const TIME = "2026-01-01T00:00:00.000Z";
const event = (name: string, cidrs: readonly string[] | null): EventRecord => ({
  ...{ kind: "event", time: TIME, resourceVersion: "1" },
  key: { kind: "ServiceCIDR", namespace: "", name },
  value: cidrs && { kind: "ServiceCIDR", metadata: { name }, spec: { cidrs } },
} as EventRecord);
const block = fc.constantFrom(
  ...[
    "10.0.0.0/8",
    "10.96.0.0/12",
    "10.96.0.0/16",
    "10.96.0.0/16",
    "10.97.0.0/16",
    "10.96.1.0/24",
    "0.0.0.0/0",
  ],
  ...["fd00::/8", "fd00:1::/32", "fd00:1::/112", "::ffff:10.96.0.0/112", "10.96.1.7/32", "not a block"],
);

Deno.test("after any changes the elements are those of all objects together", () => {
  const change = fc.tuple(fc.nat(5), fc.option(fc.array(block, { maxLength: 7 })));
  fc.assert(fc.property(fc.array(change, { maxLength: 20 }), (changes) => {
    const state = emptyState();
    const present = new Map<number, readonly string[]>();
    for (const [i, [name, cidrs]] of changes.entries()) {
      foldRecord(state, i as Offset, event(`c${name}`, cidrs), noChanges());
      if (cidrs === null) present.delete(name);
      else present.set(name, cidrs);
      const all = [...present.values()].flat().map(parseCidr).filter((cidr) => cidr !== undefined);
      const elements = [...state.desired].flatMap(([path, set]) =>
        path.includes("service-cidrs") ? [...set.keys()] : []
      );
      assert.deepEqual(elements.sort(), disjoint(all).map(cidrText).sort());
      assert.deepEqual(cidrElements(state).map(({ key }) => key).sort(), [...elements].sort());
    }
  }));
});

Deno.test("a ServiceCIDR among thousands changes its own elements alone", () => {
  const state = emptyState();
  for (let i = 0; i < 3000; i++) {
    foldRecord(state, i as Offset, event(`c${i}`, [`10.${i >> 8}.${i & 255}.0/25`]), noChanges());
  }
  const changes = noChanges();
  foldRecord(state, 3000 as Offset, event("c7", ["10.0.7.128/25"]), changes);
  assert.deepEqual([...changes.touched.values()].map((keys) => [...keys.keys()].sort()), [[
    "10.0.7.0/25",
    "10.0.7.128/25",
  ]]);
});
