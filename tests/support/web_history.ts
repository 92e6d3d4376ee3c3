// The history of one Service, as questions are asked of it: it gets two endpoints, loses one, then both, gets both back, and its policy
// changes. Second n brings the n-th batch, and each batch is committed at once.

import type { EventRecord } from "../../src/ledger/record.ts";
import type { Past } from "../../src/history/past.ts";
import { appears, service, slice, vanishes } from "./cluster_notation.ts";
import { committedPast } from "./past.ts";

const web = (policy: "Cluster" | "Local") =>
  service("shop/web 10.96.0.1 http:80/tcp", "2026-01-01T00:00:00Z", {
    type: "NodePort",
    externalTrafficPolicy: policy,
    ports: [{ name: "http", port: 80, protocol: "TCP", nodePort: 30080 }],
  });

/** Events @0 @1, @3, @5, @7, @9, @11 @12; commits @2, @4, @6, @8, @10, @13. */
export const WEB_BATCHES: readonly (readonly EventRecord[])[] = [
  [appears(web("Cluster")), appears(slice("shop/web-a http:8080/tcp 10.244.0.1@node-a 10.244.0.2@node-b"))],
  [appears(slice("shop/web-a http:8080/tcp 10.244.0.2@node-b"))],
  [appears(slice("shop/web-a http:8080/tcp !10.244.0.2@node-b"))],
  [appears(slice("shop/web-a http:8080/tcp 10.244.0.1@node-a 10.244.0.2@node-b"))],
  [appears(web("Local"))],
  [appears(service("shop/cart 10.96.0.2 http:80/tcp")), vanishes(service("shop/gone 10.96.0.3 http:80/tcp"))],
];

/** The ledger of {@link WEB_BATCHES}. */
export function webPast(): Past {
  return committedPast(WEB_BATCHES);
}

/** All records of {@link webPast}. */
export const ALL = { from: 0, through: 13 };
