// Guards that become stricter: which of them leave flows behind that the guard no longer lets through.

import assert from "node:assert/strict";
import { emptyState } from "../../src/fold/cluster_state.ts";
import { noChanges } from "../../src/fold/fold_changes.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { guardedFrontends, letsThrough } from "../../src/fold/tightened.ts";
import type { Offset } from "../../src/ledger/record.ts";
import type { Address } from "../../src/nft/data_type.ts";
import { appears, service, vanishes } from "../support/cluster_notation.ts";

const ADDRESS = "198.51.100.20";

function web(...ranges: string[]) {
  const base = service("shop/web 10.96.0.1 http:80/tcp dns:53/udp", undefined, {
    type: "LoadBalancer",
    loadBalancerSourceRanges: ranges,
  });
  return { ...base, status: { loadBalancer: { ingress: [{ ip: ADDRESS }] } } };
}

/** What the last of `steps` tightened. */
function tightened(...steps: ReturnType<typeof web>[]) {
  const state = emptyState();
  let changes = noChanges();
  foldRecord(state, 0 as Offset, { kind: "config", time: "", version: "0", nodeName: "node-a" }, changes);
  steps.forEach((one, i) => {
    changes = noChanges();
    foldRecord(state, i + 1 as Offset, appears(one), changes);
  });
  return [...changes.tightened.values()].map(({ port, sources }) => `${port}: ${sources.join()}`);
}

Deno.test("a guard that comes, and a range that goes or shrinks, are tightened at each port", () => {
  const expected = ["tcp . 80: 203.0.113.0/26", "udp . 53: 203.0.113.0/26"];
  assert.deepEqual(tightened(web("203.0.113.0/26")), expected, "a new Service");
  assert.deepEqual(tightened(web(), web("203.0.113.0/26")), expected, "its first range");
  assert.deepEqual(tightened(web("203.0.113.0/24"), web("203.0.113.0/26")), expected, "a smaller range");
  assert.deepEqual(tightened(web("203.0.113.0/26", "192.0.2.0/24"), web("203.0.113.0/26")), expected);
});

Deno.test("a range more, the same ranges again, and no range at all are not", () => {
  assert.deepEqual(tightened(web("203.0.113.0/26"), web("203.0.113.0/26", "192.0.2.0/24")), []);
  assert.deepEqual(tightened(web("203.0.113.0/26"), web("203.0.113.0/26")), []);
  assert.deepEqual(tightened(web("203.0.113.0/26"), web()), []);
});

Deno.test("a guard that is tightened and goes within one batch is not tightened any more", () => {
  const state = emptyState();
  const changes = noChanges();
  foldRecord(state, 0 as Offset, appears(web("203.0.113.0/26")), changes);
  assert.equal(changes.tightened.size, 2);
  foldRecord(state, 1 as Offset, vanishes(web()), changes);
  assert.equal(changes.tightened.size, 0);
});

Deno.test("all frontends with a guard are found, and those without are not", () => {
  const state = emptyState();
  foldRecord(state, 0 as Offset, appears(web()));
  assert.equal(guardedFrontends(state).size, 0);
  foldRecord(state, 1 as Offset, appears(web("203.0.113.0/26")));
  assert.deepEqual([...guardedFrontends(state).values()].map(({ port }) => port), ["tcp . 80", "udp . 53"]);
});

Deno.test("a prefix lets its addresses through, and one address itself alone", () => {
  const guard = (...sources: string[]) =>
    ({ family: "ip", address: ADDRESS as Address, port: "tcp . 80", sources }) as const;
  const through = (client: string, ...sources: string[]) => letsThrough(guard(...sources), client);
  assert.ok(through("203.0.113.9", "192.0.2.0/24", "203.0.113.0/26"));
  assert.ok(!through("203.0.113.66", "192.0.2.0/24", "203.0.113.0/26"));
  assert.ok(through("203.0.113.2", "203.0.113.2") && !through("203.0.113.3", "203.0.113.2"));
  assert.ok(through("fd00::7", "fd00::/64") && !through("fd01::7", "fd00::/64"));
  assert.ok(through("fd00::7", "fd00::7") && !through("203.0.113.2"));
});
