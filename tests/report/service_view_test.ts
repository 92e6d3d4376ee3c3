// ServicePorts as the page shows them, at moments of a short window.

import assert from "node:assert/strict";
import type { LedgerRecord } from "../../src/ledger/record.ts";
import { endpointCauses, portViews, serviceNames } from "../../src/report/service_view.ts";
import { timelineOf } from "../../src/report/timeline.ts";
import { appears, service, slice, vanishes } from "../support/cluster_notation.ts";
import { CONFIG } from "../support/report_records.ts";

/** The timeline of a window that begins with the ledger. */
function timelineOfAll(records: readonly LedgerRecord[]) {
  const leftOut = { before: 0, after: 0, oldest: "", newest: "" };
  const ledger = { version: "0", ledger: "0123456789abcdef", node: "node-a" };
  return timelineOf({ ...ledger, first: 0, snapshot: [], causes: [], records, leftOut, outages: [] });
}

Deno.test("a ServicePort has its endpoints, each with condition, traffic and cause", () => {
  const records = [
    CONFIG,
    appears(service("shop/web 10.96.0.1 http:80/tcp")),
    appears(slice("shop/web-a http:8080/tcp 10.244.0.1@node-a")),
    appears(slice("shop/web-a http:8080/tcp 10.244.0.1@node-a !10.244.0.2@node-b 10.244.0.3@node-b")),
    vanishes(slice("shop/web-a http:8080/tcp 10.244.0.1")),
  ];
  const timeline = timelineOfAll(records);
  const [gone] = portViews(timeline.view, serviceNames(timeline.view)[0]!);
  assert.deepEqual(
    gone!.frontends.map(({ text, leads, cause }) => `${text} ${leads} @${cause}`),
    ["10.96.0.1:80 refused @4"],
  );
  timeline.moveTo(3);
  const [port] = portViews(timeline.view, serviceNames(timeline.view)[0]!);
  const causes = endpointCauses(timeline.view, port!);
  assert.deepEqual(
    port!.endpoints.map(({ text, node, condition, traffic }, i) =>
      `${text} ${node} ${condition}: ${traffic} @${causes[i]}`
    ),
    [
      // With a second endpoint the first one moved from single-endpoints to a slot.
      "10.244.0.1:8080 node-a ready: all @3",
      "10.244.0.2:8080 node-b not ready: none @3",
      "10.244.0.3:8080 node-b ready: all @3",
    ],
  );
  assert.equal(port!.serving, 2);
  assert.equal(port!.changed, 3);
  timeline.moveTo(0);
  assert.deepEqual(serviceNames(timeline.view), []);
});

Deno.test("with affinity, endpoints and their causes come from its numbered endpoints", () => {
  const records = [
    CONFIG,
    appears(service("shop/web 10.96.0.1,fd00:96::1 http:80/tcp", undefined, { sessionAffinity: "ClientIP" })),
    appears(slice("shop/web-a http:8080/tcp 10.244.0.1")),
    appears(slice("shop/web-b http:8080/tcp fd00::7")),
    appears(slice("shop/web-a http:8080/tcp 10.244.0.1 10.244.0.2")),
  ];
  const { view } = timelineOfAll(records);
  const endpoints = serviceNames(view).flatMap((name) => portViews(view, name)).flatMap((port) => {
    const causes = endpointCauses(view, port);
    return port.endpoints.map(({ text }, i) => `${text} @${causes[i]}`);
  });
  assert.deepEqual(endpoints, [
    "10.244.0.1:8080 @2",
    "10.244.0.2:8080 @4",
    "[fd00::7]:8080 @3",
  ]);
});

Deno.test("where two Services claim a frontend, the younger one has the name of the holder", () => {
  const records = [
    CONFIG,
    appears(service("a/old 10.96.0.1 http:80/tcp", "2026-01-01T00:00:00Z", { externalIPs: ["192.0.2.9"] })),
    appears(service("b/young 10.96.0.2 http:80/tcp", "2026-02-01T00:00:00Z", { externalIPs: ["192.0.2.9"] })),
  ];
  const { view } = timelineOfAll(records);
  const [, young] = serviceNames(view).map((name) => portViews(view, name)[0]!);
  assert.deepEqual(young!.frontends.map(({ text, holder }) => [text, holder]), [
    ["10.96.0.2:80", undefined],
    ["192.0.2.9:80", "a/old:http"],
  ]);
});
