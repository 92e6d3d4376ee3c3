// The lane of a Service, and which Services have one.

import assert from "node:assert/strict";
import type { Outage } from "../../src/history/outages.ts";
import { readServiceName } from "../../src/kube/service_name.ts";
import { laneOf, pointAt, servicesWithLanes } from "../../src/report/lanes.ts";
import { GrowingTimeline } from "../../src/report/timeline.ts";
import { appears, service, slice, vanishes } from "../support/cluster_notation.ts";
import { CONFIG } from "../support/report_records.ts";

Deno.test("a lane has a point for each change of its endpoints, and none for what changes nothing", () => {
  const timeline = new GrowingTimeline({ first: 0, snapshot: [] });
  const records = [
    CONFIG,
    appears(service("shop/web 10.96.0.1 http:80/tcp")),
    appears(slice("shop/web-a http:8080/tcp 10.244.0.1 !10.244.0.2")),
    appears(service("shop/cart 10.96.0.2 http:80/tcp")),
    appears(slice("shop/web-a http:8080/tcp 10.244.0.1 !10.244.0.3")),
    appears(slice("shop/web-a http:8080/tcp 10.244.0.1 10.244.0.3")),
    appears(slice("shop/web-a http:8080/tcp !10.244.0.1 !10.244.0.3")),
    vanishes(service("shop/web 10.96.0.1 http:80/tcp")),
  ];
  for (const record of records) timeline.append(record);
  timeline.moveTo(4);
  const points = laneOf(timeline, readServiceName("shop/web"), (offset) => offset * 1000);
  assert.deepEqual(points.map(({ time, kind, serving, total }) => `${time} ${kind} ${serving}/${total}`), [
    "-1000 none 0/0",
    "1000 lacking 0/0",
    "2000 served 1/2",
    "5000 served 2/2",
    "6000 lacking 0/2",
    "7000 none 0/0",
  ]);
  assert.equal(timeline.view.at, 4, "the moment that is shown stays");
  assert.equal(pointAt(points, 5500)?.serving, 2);
  assert.equal(pointAt(points, -2000), undefined);
});

Deno.test("Services that are named have lanes; else those with outages, lasting ones first, then churn", () => {
  const names = ["shop/a", "shop/b", "shop/c", "shop/d", "web/shop"].map(readServiceName);
  const outage = (service: string, lasts: boolean): Outage => ({
    service,
    port: "http",
    from: null,
    to: lasts ? null : { offset: 1, time: "" },
    seconds: null,
    cause: null,
    ended: null,
    fresh: false,
  });
  const churn = ["shop/d", "shop/a", "gone/away"].map((service) => ({
    ...{ service, changes: 1, commits: 1, last: 1 },
  }));
  const facts = { outages: [outage("shop/b", false), outage("shop/c", true)], churn };
  assert.deepEqual(servicesWithLanes(names, "", facts, 9), ["shop/c", "shop/b", "shop/d", "shop/a"]);
  assert.deepEqual(servicesWithLanes(names, "", facts, 2), ["shop/c", "shop/b"]);
  assert.deepEqual(servicesWithLanes(names, "shop/b:http", facts, 9), ["shop/b"]);
  assert.deepEqual(servicesWithLanes(names, "web/", facts, 9), ["web/shop"]);
  assert.deepEqual(servicesWithLanes(names, "10.96.0.1", facts, 9).length, 4, "no name: as without");
});
