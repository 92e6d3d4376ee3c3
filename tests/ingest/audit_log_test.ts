// Audit logs: only what a request stored counts. The log of a real API server is read in recording_forms_test.ts.

import assert from "node:assert/strict";
import { auditedWrites, readAuditLog } from "../../src/ingest/audit_log.ts";
import { mergedEvents } from "../../src/ingest/recorded_events.ts";
import { whole } from "../support/api_server.ts";

/** An event about the Service shop/web; `more` replaces fields. */
function event(verb: string, more: Record<string, unknown> = {}) {
  return {
    ...{
      kind: "Event",
      apiVersion: "audit.k8s.io/v1",
      level: "RequestResponse",
      stage: "ResponseComplete",
      verb,
    },
    auditID: "a-1",
    requestURI: "/api/v1/namespaces/shop/services/web",
    user: { username: "alice" },
    sourceIPs: ["10.0.0.7", "10.0.0.8"],
    userAgent: "kubectl/v1.37.2",
    objectRef: { resource: "services", namespace: "shop", name: "web", apiVersion: "v1" },
    responseStatus: { code: 200 },
    responseObject: whole("web", "7"),
    stageTimestamp: "2026-11-23T09:30:01.123456Z",
    ...more,
  };
}
const text = (...values: unknown[]) => values.map((value) => JSON.stringify(value)).join("\n");
const status = { kind: "Status", apiVersion: "v1", status: "Success", details: { uid: "u-1" } };
const deleted = (more: Record<string, unknown>) => ({
  ...whole("web", "8"),
  metadata: { ...whole("web", "8").metadata, ...more },
});

function events(...values: unknown[]): string[] {
  const read = readAuditLog(text(...values));
  assert.deepEqual(read.problems, []);
  return mergedEvents([read]).map(({ key, value, resourceVersion, time }) =>
    `${time.slice(17, -1)} ${key.name} ${resourceVersion}${value === null ? " gone" : ""}`
  );
}

Deno.test("what was refused, tried, or is of another kind or stage is not an event", () => {
  const items = { kind: "ServiceList", apiVersion: "v1", items: [] };
  assert.deepEqual(
    events(
      event("patch", { responseStatus: { code: 409 }, responseObject: { kind: "Status" } }),
      event("patch", { requestURI: "/api/v1/namespaces/shop/services/web?dryRun=All" }),
      event("delete", { requestObject: { kind: "DeleteOptions", dryRun: ["All"] } }),
      event("update", { stage: "RequestReceived", responseObject: undefined }),
      event("list", { responseObject: items }),
      event("create", { objectRef: { resource: "pods", namespace: "shop", name: "web" } }),
      event("create", { objectRef: { resource: "services", subresource: "proxy", name: "web" } }),
    ),
    [],
  );
});

Deno.test("a deletion is known by a Status, or by an object without finalizers; others only begin it", () => {
  const created = event("create", { stageTimestamp: "2026-11-23T09:30:00Z" });
  const deletion = (responseObject: unknown) => events(created, event("delete", { responseObject }));
  assert.deepEqual(deletion(status), ["00.000 web 7", "01.123 web  gone"]);
  assert.deepEqual(deletion(deleted({})), ["00.000 web 7", "01.123 web 8 gone"]);
  const going = { deletionTimestamp: "2026-11-23T09:30:01Z", finalizers: ["load-balancer"] };
  assert.deepEqual(deletion(deleted(going)), ["00.000 web 7", "01.123 web 8"]);
  const freed = event("patch", { responseObject: deleted({ ...going, finalizers: [] }) });
  assert.deepEqual(events(created, freed), ["00.000 web 7", "01.123 web 8 gone"]);
  const { kind: _, apiVersion: __, ...item } = deleted({});
  const all = { kind: "ServiceList", apiVersion: "v1", items: [item] };
  assert.deepEqual(events(created, event("deletecollection", { responseObject: all })), [
    "00.000 web 7",
    "01.123 web 8 gone",
  ]);
});

Deno.test("of requests that ended in another order than they were stored, the versions decide", () => {
  const update = (version: string, second: number) =>
    event("update", {
      responseObject: {
        ...whole("web", version),
        spec: { clusterIP: `10.96.0.${version}`, ports: [{ port: 80 }] },
      },
      stageTimestamp: `2026-11-23T09:30:0${second}Z`,
    });
  assert.deepEqual(events(update("9", 1), update("10", 3), update("8", 2)), [
    "01.000 web 8",
    "02.000 web 9",
    "03.000 web 10",
  ]);
});

Deno.test("a log that leaves out what was written says which policy has it; other lines are named", () => {
  const { problems } = readAuditLog(text(
    event("update", { level: "Metadata", responseObject: undefined }),
    event("update", { stageTimestamp: 7 }),
    { kind: "Service" },
  ));
  assert.deepEqual(problems, [
    'line 1: update of Service shop/web: level "Metadata" leaves out what was written; ' +
    "the audit policy needs level RequestResponse for services",
    "line 2: update of Service shop/web: stageTimestamp 7 is not RFC 3339",
    'line 3: kind "Service" is no event of audit.k8s.io',
  ]);
});

Deno.test("each write has who made it, from where and with what, also in the lists of a webhook", () => {
  const list = {
    kind: "EventList",
    apiVersion: "audit.k8s.io/v1",
    items: [event("update"), event("delete", { responseObject: status })],
  };
  const [update, deletion] = [...auditedWrites(text(list), () => assert.fail("a problem"))];
  const { user, userAgent, source, auditId, resourceVersion } = update!;
  assert.deepEqual([user, userAgent, source, auditId, resourceVersion], [
    ...["alice", "kubectl/v1.37.2", "10.0.0.7,10.0.0.8", "a-1", "7"],
  ]);
  assert.deepEqual([deletion!.isDeletion, deletion!.uid], [true, "u-1"]);
});
