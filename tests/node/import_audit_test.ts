// Which write of an audit log is joined to which event of a ledger.

import assert from "node:assert/strict";
import type { AuditedWrite } from "../../src/ingest/audit_log.ts";
import type { ObjectKey } from "../../src/kube/objects.ts";
import { offsetOf } from "../../src/ledger/record.ts";
import { joinedWriters } from "../../src/node/import_audit.ts";
import { appears, service, vanishes } from "../support/cluster_notation.ts";
import { timeAt } from "../support/past.ts";

const KEY: ObjectKey = { kind: "Service", namespace: "shop", name: "web" };
const WEB = service("shop/web 10.96.0.1 http:80/tcp");
const OWNED = { ...WEB, metadata: { ...WEB.metadata, uid: "u-1" } };

function write(user: string, second: number, more: Partial<AuditedWrite> = {}): AuditedWrite {
  return {
    ...{ line: 1, key: KEY, object: {}, isDeletion: false, resourceVersion: "7", uid: "u-1", verb: "patch" },
    ...{ time: timeAt(second), received: timeAt(second), user, userAgent: "", source: "", auditId: "" },
    ...more,
  };
}
const present = (resourceVersion: string, second: number) => ({
  ...appears(OWNED),
  resourceVersion,
  time: timeAt(second),
});
const gone = (resourceVersion: string, second: number) => ({
  ...vanishes(OWNED),
  resourceVersion,
  time: timeAt(second),
});

function users(
  events: readonly (ReturnType<typeof present> | ReturnType<typeof gone>)[],
  ...writes: AuditedWrite[]
) {
  const records = events.map((record, i) => ({ offset: offsetOf(i), record }));
  return [...joinedWriters(records, writes)].map(([offset, { user }]) => `${offset} ${user}`);
}

Deno.test("a version has the writer that made it, not one whose request changed nothing", () => {
  assert.deepEqual(users([present("7", 2), present("8", 5)], write("bob", 4), write("alice", 1)), [
    "0 alice",
  ]);
});

Deno.test("a request that came after the event did not make it: the log began later", () => {
  assert.deepEqual(users([present("7", 2)], write("bob", 60)), []);
  assert.deepEqual(users([present("7", 2)], write("alice", 4)), ["0 alice"], "clocks may be apart");
});

Deno.test("a deletion is found by its version, or by the uid of the object that was there", () => {
  const deletion = (more: Partial<AuditedWrite>) =>
    write("carol", 4, { isDeletion: true, verb: "delete", ...more });
  const events = [present("7", 2), gone("9", 5)];
  assert.deepEqual(users(events, deletion({ resourceVersion: "9" })), ["1 carol"]);
  assert.deepEqual(users(events, deletion({ resourceVersion: "" })), ["1 carol"]);
  assert.deepEqual(users(events, deletion({ resourceVersion: "", uid: "u-2" })), []);
  assert.deepEqual(
    users([gone("9", 5)], deletion({ resourceVersion: "", uid: "" })),
    [],
    "nothing is known of it",
  );
});
