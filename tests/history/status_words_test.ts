// The text about the state of a node.

import assert from "node:assert/strict";
import type { NodeState } from "../../src/history/status.ts";
import { isProblem, statusLines } from "../../src/history/status_words.ts";
import { secondsOf, timeAt } from "../support/past.ts";

const SYNCED: NodeState = {
  ...{
    at: 9,
    time: timeAt(4),
    node: "node-a",
    committed: 8,
    inSync: true,
    removed: null,
    services: 2,
    endpoints: 3,
    findings: [],
  },
};

Deno.test("a sentence about the whole, then the findings", () => {
  assert.deepEqual(statusLines(SYNCED, secondsOf), [
    "node node-a at @9, 04: in sync: the kernel has the rules of @8",
    "2 Services, 3 endpoints",
    "nothing is wrong",
  ]);
  const findings = [{ severity: "failing", topic: "rules", text: "x" }, {
    severity: "note",
    topic: "drift",
    text: "y",
  }] as const;
  assert.deepEqual(statusLines({ ...SYNCED, inSync: false, node: "", time: "", findings }, secondsOf), [
    "a node without a name at @9: NOT in sync: the kernel has the rules of @8",
    "2 Services, 3 endpoints",
    "FAILING  rules: x",
    "note  drift: y",
  ]);
  const single = { ...SYNCED, services: 1, endpoints: 1 };
  assert.equal(statusLines(single, secondsOf)[1], "1 Service, 1 endpoint");
  const timed = { severity: "warning", topic: "rules", text: `since @5 (${timeAt(6)})` } as const;
  assert.deepEqual(
    statusLines({ ...SYNCED, findings: [timed] }, secondsOf).at(-1),
    "warning  rules: since @5 (06)",
    "times of findings are the reader's, as that of the state",
  );
  assert.match(statusLines({ ...SYNCED, committed: null }, secondsOf)[0]!, /nothing was committed$/);
  assert.deepEqual(findings.map(isProblem), [true, false]);
});
