// A snapshot of a large state costs little at a time: to keep the state reads no element, and its lines are made in steps.

import assert from "node:assert/strict";
import { type ClusterState, emptyState } from "../../src/fold/cluster_state.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { PATHS } from "../../src/fold/skeleton.ts";
import { snapshotInSteps, snapshotLines, snapshotState } from "../../src/fold/snapshot.ts";
import { SORTED_AT_ONCE } from "../../src/limits/rules.ts";
import type { Offset } from "../../src/ledger/record.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";

const PORTS = 30;
const ENDPOINTS = 1000;
const ports = (first: number) => Array.from({ length: PORTS }, (_, i) => `p${i}:${first + i}/tcp`).join(" ");
const hosts = Array.from({ length: ENDPOINTS }, (_, i) => `10.244.${i >> 8}.${i & 255}`).join(" ");

/** A state with one large Service. */
function largeState(): ClusterState {
  const state = emptyState();
  const objects = [
    slice(`shop/large-a ${ports(8080)} ${hosts}`),
    service(`shop/large 10.96.0.1 ${ports(80)}`),
  ];
  objects.forEach((object, offset) => foldRecord(state, offset as Offset, appears(object)));
  return state;
}

Deno.test("to keep a state for a snapshot reads none of its elements", () => {
  const state = largeState();
  const elements = state.desired.get(PATHS.ip.endpoints)!;
  assert.ok(elements.size >= PORTS * ENDPOINTS);
  let read = 0;
  const counted = () => {
    read++;
    return [].values();
  };
  for (const name of ["keys", "values", "entries", "forEachCaused", Symbol.iterator]) {
    Object.defineProperty(elements, name, { value: counted });
  }
  const kept = snapshotState(state);
  assert.equal(read, 0, "so it takes no longer for a large Service than for a small one");
  Reflect.apply(Reflect.get(kept, Symbol.dispose), kept, []);
});

Deno.test("the snapshot of a Service of 30,000 elements pauses at least after so many of them, and has the same lines", () => {
  const state = largeState();
  using kept = snapshotState(state);
  const before = [...snapshotLines(state)];
  const work = snapshotInSteps(kept);
  let [pauses, lines] = [0, [] as unknown[]];
  for (const line of work) {
    // The Service changes while the snapshot is made.
    if (pauses === 2) {
      const changed = slice(`shop/large-a ${ports(9000)} 10.244.9.9`);
      foldRecord(state, state.folded + 1 as Offset, appears(changed));
    }
    if (line === undefined) pauses++;
    else lines.push(line);
  }
  assert.ok(pauses >= PORTS * ENDPOINTS / SORTED_AT_ONCE, `${pauses} pauses`);
  assert.deepEqual(lines, before);
});
