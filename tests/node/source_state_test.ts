// The state of a source without a ledger.

import assert from "node:assert/strict";
import { stateOfSource } from "../../src/node/source_state.ts";
import { stateAt } from "../../src/history/past.ts";
import { openPast } from "../../src/library/open_ledger.ts";
import { lines } from "../support/cluster_notation.ts";

const RECORDING = new URL("../../fixtures/recordings/evening", import.meta.url).pathname;

Deno.test("the state is that of a ledger with the same events, and the record of each element is kept", async () => {
  const { state, lookup } = await stateOfSource({ source: RECORDING, hostnameOverride: "node-a" });
  assert.deepEqual(lines(state.desired), lines(stateAt(openPast(RECORDING), 227).state.desired));
  for (const causes of state.causes.values()) {
    for (const offset of causes.values()) assert.equal(lookup(offset)?.offset, offset);
  }
  assert.equal(lookup(state.folded + 1), undefined);
});
