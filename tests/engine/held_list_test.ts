// A list that would remove much, in the log and in the ledger.

import assert from "node:assert/strict";
import { heldListRecord, heldListText } from "../../src/engine/held_list.ts";

const REMOVAL = { of: "Services", removed: 12, known: 14 } as const;

Deno.test("the line and the record say what the list would remove, and what was done", () => {
  assert.equal(
    heldListText("Service", REMOVAL, "held"),
    "Service: a list without 12 of 14 known Services: not taken; another list is asked for",
  );
  assert.match(heldListText("Service", REMOVAL, "withdrawn"), /nothing was deleted$/);
  const time = "2026-11-23T03:12:00.000Z";
  assert.deepEqual(heldListRecord("Service", REMOVAL, "confirmed", time), {
    ...{ kind: "drift", time, process: "API server", pid: 0 },
    changes: ["Service: a list without 12 of 14 known Services"],
    response: "confirmed by another list; deleted",
  });
});
