// Laws of snapshots for random ledgers: objects, configurations with and without bounds, the own node, commits that make steps or set a
// Service aside. A snapshot is made a line at a time while records are folded.

import assert from "node:assert/strict";
import fc from "fast-check";
import { type ClusterState, emptyState } from "../../src/fold/cluster_state.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import {
  restoredState,
  snapshotInSteps,
  type SnapshotLine,
  snapshotLines,
  snapshotState,
} from "../../src/fold/snapshot.ts";
import { isUnfinished } from "../../src/fold/unfinished.ts";
import type { ServiceBounds } from "../../src/kube/bounds.ts";
import { DEFAULT_PROXY_CONFIG, type ProxyConfig } from "../../src/kube/proxy_config.ts";
import type { CommitRecord, LedgerRecord, Offset } from "../../src/ledger/record.ts";
import { arbitraryHistory } from "../support/arbitrary_history.ts";
import { appears, vanishes } from "../support/cluster_notation.ts";
import { keyed } from "../support/keyed.ts";

const TIME = "2026-01-01T00:00:00.000Z";
/** Bounds that small Services reach. */
const NARROW: ServiceBounds = {
  ...{ most: 40, large: 12, step: 6, takesTurns: true, roundsTimeouts: true },
  ...{ burst: { small: 3, most: 12, first: 20 }, namespace: { large: 5, most: 20 }, node: { most: 30 } },
};
const config = (nodeName: string, proxy: Partial<ProxyConfig>, bounds?: ServiceBounds): LedgerRecord => ({
  ...{ kind: "config", time: TIME, version: "0", nodeName, proxy: { ...DEFAULT_PROXY_CONFIG, ...proxy } },
  ...(bounds === undefined ? {} : { bounds }),
});
const node = (zone: string, podCIDRs: readonly string[], address: string) => ({
  ...{ kind: "Node" as const, metadata: { name: "node-a", labels: { "topology.kubernetes.io/zone": zone } } },
  ...{ spec: { podCIDRs }, status: { addresses: [{ type: "InternalIP", address }] } },
});
const cidrs = (...all: readonly string[]) => ({
  ...{ kind: "ServiceCIDR" as const, metadata: { name: "kubernetes" }, spec: { cidrs: all } },
});
const commit = (fields: Partial<CommitRecord>): LedgerRecord => ({
  ...{ kind: "commit", time: TIME, from: 0, through: 0, digest: "", outcome: "committed" },
  ...{ changes: [], changesOmitted: 0, operations: 0, microseconds: 0, generation: 0, ...fields },
});
const others = fc.constantFrom<LedgerRecord>(
  config("node-a", {}, NARROW),
  config("node-a", {}, { most: 40, large: 12, step: 6 }),
  config("node-a", { detectLocal: { mode: "NodeCIDR" } }),
  config("node-b", { nodePortAddresses: ["all"] }, NARROW),
  appears(node("zone-a", ["10.244.0.0/24"], "192.0.2.1")),
  appears(node("zone-b", ["10.244.1.0/24", "fd00:244::/64"], "fe80::1")),
  vanishes(node("zone-a", [], "192.0.2.1")),
  appears(cidrs("10.96.0.0/16", "fd00:96::/112")),
  vanishes(cidrs()),
  ...["a/one", "b/three"].map((setAside) => commit({ outcome: "rejected", error: "no", setAside })),
  ...[1, 2, 3, 4].map(() => commit({ advances: true })),
  commit({}),
  { kind: "gap", time: TIME, reason: "lost", records: 2 },
);
const ledger = fc.tuple(arbitraryHistory, fc.array(fc.tuple(fc.nat(40), others), { maxLength: 30 })).map(
  ([events, more]) => {
    const records: LedgerRecord[] = [...events];
    for (const [at, record] of more) records.splice(Math.min(at, records.length), 0, record);
    return [config("node-a", {}), ...records];
  },
);

const asFile = (lines: Iterable<SnapshotLine>) => JSON.parse(JSON.stringify([...lines])) as SnapshotLine[];

/** A snapshot that is being made, the state that a start would make of it, and what it must be. */
interface Begun {
  readonly work: Iterator<SnapshotLine | undefined>;
  readonly lines: SnapshotLine[];
  readonly expected: readonly SnapshotLine[];
  readonly restored: ClusterState;
}

function begun(state: ClusterState): Begun {
  const expected = asFile(snapshotLines(state));
  return {
    work: snapshotInSteps(snapshotState(state)),
    lines: [],
    expected,
    restored: restoredState(expected),
  };
}

/** Makes at most so many lines. */
function goOn({ work, lines }: Begun, most: number): void {
  for (let made = 0; made < most; made++) {
    const { done, value } = work.next();
    if (done) return;
    if (value !== undefined) lines.push(value);
  }
}

Deno.test("a snapshot that is made while any records are folded is that of its moment, and leads to the same state", () => {
  fc.assert(fc.property(ledger, fc.infiniteStream(fc.nat(5)), (records, random) => {
    const next = () => random.next().value!;
    const state = emptyState();
    const all: Begun[] = [];
    records.forEach((record, i) => {
      const offset = i as Offset;
      for (const one of [state, ...all.map(({ restored }) => restored)]) foldRecord(one, offset, record);
      for (const one of all) goOn(one, next());
      if (next() === 0 && !isUnfinished(state)) all.push(begun(state));
    });
    for (const one of all) {
      goOn(one, Infinity);
      assert.deepEqual(asFile(one.lines), one.expected);
      assert.equal(isUnfinished(one.restored), isUnfinished(state));
      assert.deepEqual(asFile(snapshotLines(one.restored)), asFile(snapshotLines(state)));
      assert.deepEqual(keyed(one.restored.desired), keyed(state.desired), "desired");
      assert.deepEqual(keyed(one.restored.causes), keyed(state.causes), "causes");
      for (const part of ["largeServices", "leftOut", "tables"] as const) {
        assert.deepEqual(one.restored[part], state[part], part);
      }
      assert.deepEqual(new Map(one.restored.claims), new Map(state.claims));
    }
  }));
});
