// When ports of Services had no endpoint. The expectations are written by hand from the batches.

import assert from "node:assert/strict";
import { outagesIn } from "../../src/history/outages.ts";
import type { EventRecord } from "../../src/ledger/record.ts";
import type { EndpointSlice, Service } from "../../src/kube/objects.ts";
import { appears, service, slice, vanishes } from "../support/cluster_notation.ts";
import { committedPast, pastOf, timeAt } from "../support/past.ts";
import { ALL, webPast } from "../support/web_history.ts";

const WEB = service("shop/web 10.96.0.1 http:80/tcp metrics:9090/tcp");
const FULL = slice("shop/web-a http:8080/tcp metrics:9090/tcp 10.0.0.1");
const HALF = slice("shop/web-a http:8080/tcp 10.0.0.1");

/** The outages of a ledger that has these batches, one a second, each as a line. */
function outages(...batches: EventRecord[][]): string[] {
  const past = committedPast(batches);
  const end = [...past.records()].at(-1)!.offset;
  return outagesIn(past, { from: 0, through: end }).map((one) =>
    [
      one.service,
      one.port,
      one.from?.time.slice(17, 19) ?? "before",
      one.to?.time.slice(17, 19) ?? "lasts",
      one.seconds,
      `@${one.cause?.offset}`,
      one.ended === null ? "" : `@${one.ended.offset} ${one.ended.what}`,
      one.fresh ? "fresh" : "",
    ].join(" ").trim()
  );
}

Deno.test("an outage lasts from commit to commit, and names the records that began and ended it", () => {
  assert.deepEqual(outagesIn(webPast(), ALL, "shop/web"), [{
    service: "shop/web",
    port: "http",
    from: { offset: 6, time: timeAt(3) },
    to: { offset: 8, time: timeAt(4) },
    seconds: 1,
    cause: { offset: 5, time: timeAt(3), what: "EndpointSlice shop/web-a (changed)" },
    ended: { offset: 7, time: timeAt(4), what: "EndpointSlice shop/web-a (changed)" },
    fresh: false,
  }]);
});

Deno.test("each port is out for itself; a Service that goes ends its outage", () => {
  assert.deepEqual(
    outages([appears(WEB), appears(FULL)], [appears(HALF)], [vanishes(HALF)], [vanishes(WEB)]),
    [
      "shop/web metrics 02 04 2 @3 @7 Service shop/web (gone)",
      "shop/web http 03 04 1 @5 @7 Service shop/web (gone)",
    ],
  );
});

Deno.test("what is gone and back before the commit was never out; of several losses the last is the cause", () => {
  assert.deepEqual(
    outages([appears(WEB), appears(FULL)], [vanishes(FULL), appears(FULL)], [appears(FULL)]),
    [],
  );
  const flapping = [vanishes(FULL), appears(FULL), vanishes(FULL)];
  assert.deepEqual(outages([appears(WEB), appears(FULL)], flapping), [
    "shop/web http 02 lasts  @5",
    "shop/web metrics 02 lasts  @5",
  ]);
});

Deno.test("a new Service that gets its endpoints later was not out; one that has none at the end is fresh", () => {
  assert.deepEqual(outages([appears(WEB)], [appears(FULL)]), []);
  assert.deepEqual(outages([appears(WEB)], [appears(HALF)]), ["shop/web metrics 01 lasts  @0  fresh"]);
});

Deno.test("a port that never had an endpoint and goes, with its Service or alone, was out until then", () => {
  assert.deepEqual(outages([appears(WEB)], [vanishes(WEB)]), [
    "shop/web http 01 02 1 @0 @2 Service shop/web (gone) fresh",
    "shop/web metrics 01 02 1 @0 @2 Service shop/web (gone) fresh",
  ]);
  const both = service("shop/web 10.96.0.1,fd00:96::1 http:80/tcp metrics:9090/tcp");
  const six = slice("shop/web-b http:8080/tcp metrics:9090/tcp fd00::1");
  const http = service("shop/web 10.96.0.1,fd00:96::1 http:80/tcp");
  assert.deepEqual(outages([appears(both)], [appears(HALF)], [appears(six)], [appears(http)]), [
    "shop/web metrics 01 04 3 @0 @6 Service shop/web (changed) fresh",
  ]);
});

Deno.test("a new port without a name that gets its endpoints later was not out, in either family", () => {
  const both: Service = {
    ...service("shop/web 10.96.0.1,fd00:96::1"),
    spec: {
      ...service("shop/web 10.96.0.1,fd00:96::1").spec,
      ports: [{ name: "", port: 80, protocol: "TCP" }],
    },
  };
  const unnamed = (text: string): EndpointSlice => ({
    ...slice(text),
    ports: [{ name: "", port: 8080, protocol: "TCP" }],
  });
  const four = unnamed("shop/web-a 10.0.0.1");
  assert.deepEqual(outages([appears(both)], [appears(four), appears(unnamed("shop/web-b fd00::1"))]), []);
  assert.deepEqual(outages([appears(both)], [appears(four)], [vanishes(both)]), [
    "shop/web 80 (IPv6) 01 03 2 @0 @4 Service shop/web (gone) fresh",
  ]);
});

Deno.test("an outage that began before the range has no beginning", () => {
  const past = webPast();
  const [only] = outagesIn(past, { from: 7, through: 13 }, "shop/web");
  assert.deepEqual([only?.from, only?.to?.offset, only?.seconds, only?.cause], [null, 8, null, null]);
  assert.deepEqual(outagesIn(past, { from: 9, through: 13 }, "shop/web"), []);
});

Deno.test("in a ledger without commits the times of the records count", () => {
  const events = [appears(WEB), appears(FULL), vanishes(FULL), appears(FULL)].map((event, i) => ({
    ...event,
    time: timeAt(i),
  }));
  const found = outagesIn(pastOf(events), { from: 0, through: 3 });
  assert.deepEqual(found.map(({ port, from, to }) => [port, from?.offset, to?.offset]), [["http", 2, 3], [
    "metrics",
    2,
    3,
  ]]);
});

/** A ledger in which every Service waits for the step after the next commit, as those that are not small do while many change. */
const STEPPED = committedPast(
  [[appears(WEB), appears(FULL)], [vanishes(FULL)], [appears(FULL)]],
  { bounds: { most: 1000, large: 1000, step: 9, burst: { small: 0, most: 0 } } },
);

Deno.test("rules that a step made count from the commit that brought them, and their cause is the event that waited", () => {
  const end = [...STEPPED.records()].at(-1)!.offset;
  const found = outagesIn(STEPPED, { from: 0, through: end });
  const lookup = STEPPED.lookup();
  assert.deepEqual(found.map(({ port, cause, ended }) => [port, cause?.what, ended?.what]), [
    ["http", "EndpointSlice shop/web-a (gone)", "EndpointSlice shop/web-a (appeared)"],
    ["metrics", "EndpointSlice shop/web-a (gone)", "EndpointSlice shop/web-a (appeared)"],
  ]);
  for (const { from, cause } of found) {
    const commit = lookup(from!.offset)?.record;
    assert.ok(commit?.kind === "commit" && commit.changes.some((change) => change.cause === cause!.offset));
  }
});
