// Which records change which Service.

import assert from "node:assert/strict";
import { readServiceName } from "../../src/kube/service_name.ts";
import { GrowingTimeline } from "../../src/report/timeline.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";
import { CONFIG, nodeEvent } from "../support/report_records.ts";

Deno.test("a Service is unchanged between its records, those of its slices, and those of the own node", () => {
  const timeline = new GrowingTimeline({ first: 0, snapshot: [] });
  const records = [
    CONFIG,
    appears(service("shop/web 10.96.0.1 http:80/tcp")),
    appears(service("shop/cart 10.96.0.2 http:80/tcp")),
    appears(slice("shop/web-a http:8080/tcp 10.244.0.1")),
    appears(slice("shop/cart-a http:8080/tcp 10.244.0.2")),
    nodeEvent("192.0.2.1"),
    appears(slice("shop/web-a http:8080/tcp 10.244.0.3")),
  ];
  for (const record of records) timeline.append(record);
  const { services } = timeline;
  assert.deepEqual(services.names, ["shop/cart", "shop/web"]);
  const around = (at: number) => {
    const { from, before } = services.unchangedAround(readServiceName("shop/web"), at);
    return `${from} ${before}`;
  };
  assert.deepEqual([1, 2, 3, 4, 5, 6].map(around), ["1 3", "1 3", "3 5", "3 5", "5 6", "6 Infinity"]);
  assert.deepEqual(services.of(readServiceName("shop/web")), [1, 3, 6]);
});
