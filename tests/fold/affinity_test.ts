// Timeouts of ClientIP affinity: each that is in use needs a chain, so there are few of them.

import assert from "node:assert/strict";
import { roundedTimeout } from "../../src/fold/affinity.ts";
import { emptyState } from "../../src/fold/cluster_state.ts";
import { noChanges } from "../../src/fold/fold_changes.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { remarks } from "../../src/fold/remarks.ts";
import { OBJECT_PATHS, PATHS } from "../../src/fold/skeleton.ts";
import { SERVICE_BOUNDS, type ServiceBounds } from "../../src/kube/bounds.ts";
import type { ConfigRecord, LedgerRecord, Offset } from "../../src/ledger/record.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";

const DAY = 86_400;
const BOUNDS: ServiceBounds = SERVICE_BOUNDS;

/** Folds a Service for each timeout, and returns the state and what the log says. */
function withTimeouts(timeouts: readonly number[], bounds: ServiceBounds | undefined) {
  const config: ConfigRecord = {
    ...{ kind: "config", time: "", version: "0", nodeName: "node-a" },
    ...bounds === undefined ? {} : { bounds },
  };
  const state = emptyState();
  const changes = noChanges();
  const records: LedgerRecord[] = timeouts.flatMap((timeoutSeconds, i) => [
    appears(slice(`shop/s${i}-a http:80/tcp 10.244.${i >> 8}.${i & 255}`)),
    appears(
      service(`shop/s${i} 10.96.${i >> 8}.${i & 255} http:80/tcp`, undefined, {
        sessionAffinity: "ClientIP",
        sessionAffinityConfig: { clientIP: { timeoutSeconds } },
      }),
    ),
  ]);
  [config, ...records].forEach((record, offset) => foldRecord(state, offset as Offset, record, changes));
  const made = [...state.desired.get(OBJECT_PATHS.ip.chain)!.keys()].map((key) =>
    Number(/\d+/.exec(key)![0])
  );
  // The chain of the default timeout is always there, and no element leads to it.
  const chains = timeouts.some((seconds) => roundedTimeout(seconds) === 10_800) ? [...made, 10_800] : made;
  return {
    state,
    chains: chains.sort((a, b) => a - b),
    log: remarks(state, changes).map(({ text }) => text),
  };
}

Deno.test("Services of thousands of different timeouts need a few hundred chains, each at most a twentieth longer", () => {
  const timeouts = Array.from({ length: 4000 }, (_, i) => 1 + Math.floor(i * i / 4000 * DAY / 4000) % DAY);
  const { state, chains } = withTimeouts([...timeouts, DAY], BOUNDS);
  assert.ok(chains.length <= 300, `${chains.length} chains`);
  const timed = chains.filter((seconds) => seconds !== 10_800);
  assert.equal(state.desired.get(PATHS.ip["affinity-leads"])!.size, timed.length);
  assert.deepEqual([...state.aside], []);
  for (const seconds of timeouts) {
    const next = chains.find((kept) => kept >= seconds)!;
    assert.ok(next <= seconds * 1.05, `${seconds} s is kept for ${next} s`);
  }
});

Deno.test("timeouts that people choose stay as they are, and nothing is said about them", () => {
  const chosen = [
    1,
    5,
    10,
    30,
    45,
    60,
    90,
    120,
    300,
    600,
    900,
    1800,
    3600,
    5400,
    7200,
    10_800,
    14_400,
    43_200,
    DAY,
  ];
  const { chains, log } = withTimeouts(chosen, BOUNDS);
  assert.deepEqual(chains, chosen);
  assert.deepEqual(log, []);
});

Deno.test("a timeout that is rounded up is named in the log", () => {
  const { chains, log } = withTimeouts([3601], BOUNDS);
  assert.deepEqual(chains, [3720]);
  assert.deepEqual(log, ["Service shop/s0: clients are pinned for 3720 s in place of 3601 s"]);
});

Deno.test("without the field in the bounds a timeout stays as it is, as in ledgers before it", () => {
  const { roundsTimeouts: _, ...before } = BOUNDS;
  assert.deepEqual(withTimeouts([3601], before).chains, [3601]);
  assert.deepEqual(withTimeouts([3601], undefined).chains, [3601]);
});
