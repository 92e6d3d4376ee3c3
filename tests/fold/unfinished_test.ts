// What is left of large Services: nothing, Services that wait, and the one whose rules are being made.

import assert from "node:assert/strict";
import { emptyState } from "../../src/fold/cluster_state.ts";
import { snapshotState } from "../../src/fold/snapshot.ts";
import { isUnfinished, unfinishedServices } from "../../src/fold/unfinished.ts";
import { wait } from "../../src/fold/waiting.ts";
import { takeFirst } from "../../src/fold/waiting_line.ts";
import { readServiceName } from "../../src/kube/service_name.ts";
import { offsetOf } from "../../src/ledger/record.ts";

Deno.test("Services that wait count one by one, those with a part of their rules as one", () => {
  const state = emptyState();
  assert.deepEqual([isUnfinished(state), unfinishedServices(state)], [false, 0]);
  for (const [i, name] of ["a/one", "a/two"].map(readServiceName).entries()) {
    wait(state, "unsettled", name, offsetOf(i));
  }
  assert.deepEqual([isUnfinished(state), unfinishedServices(state)], [true, 2]);
  while (takeFirst(state.unsettled) !== undefined);
  state.unfinished.set("ip frontend x", { stands: undefined, cause: offsetOf(1) });
  assert.deepEqual([isUnfinished(state), unfinishedServices(state)], [true, 1]);
});

Deno.test("no snapshot is made of a state with steps left: its elements do not follow from its objects", () => {
  const state = emptyState();
  wait(state, "unsettled", readServiceName("a/one"), offsetOf(1));
  assert.throws(() => snapshotState(state), /a snapshot has no elements/);
});
