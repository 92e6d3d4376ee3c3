// A search finds what a look at every ServicePort finds, in parts of bounded work.

import assert from "node:assert/strict";
import { type FoundPorts, ServiceSearch, type Sought } from "../../src/report/service_search.ts";
import { ShownServices } from "../../src/report/shown_services.ts";
import { GrowingTimeline } from "../../src/report/timeline.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";
import { CONFIG } from "../support/report_records.ts";

const SERVICES = 2500;
const two = (i: number) => `${i >> 8}.${i & 255}`;

/** Services s0 to s2499 with an endpoint each; every tenth has two ports and no endpoint. */
function manyServices(): GrowingTimeline {
  const timeline = new GrowingTimeline({ first: 0, snapshot: [] });
  timeline.append(CONFIG);
  for (let i = 0; i < SERVICES; i++) {
    const dns = i % 10 === 0 ? " dns:53/udp" : "";
    timeline.append(appears(service(`shop/s${i} 10.96.${two(i)} http:80/tcp${dns}`)));
    if (i % 10 !== 0) {
      timeline.append(appears(slice(`shop/s${i}-a http:8080/tcp 10.244.${two(i)}@node-${i % 7}`)));
    }
  }
  timeline.moveTo(timeline.records.length - 1);
  return timeline;
}

const timeline = manyServices();
const ANY: Sought = { text: "", served: "any", changed: undefined, skip: 0, most: 100 };

/** The whole search, and how many parts it had. */
function found(sought: Partial<Sought>): FoundPorts & { readonly parts: number; readonly names: string[] } {
  const search = new ServiceSearch(new ShownServices(timeline), timeline, { ...ANY, ...sought });
  for (let parts = 1;; parts++) {
    const one = search.part();
    if (one.complete) return { ...one, parts, names: one.ports.map(({ name }) => name) };
  }
}

Deno.test("without a filter the ports of a page are found in one part, and all are counted", () => {
  const first = found({});
  assert.deepEqual([first.parts, first.ports.length, first.count], [1, 100, SERVICES * 1.1]);
  const second = found({ skip: 100 });
  assert.deepEqual([second.parts, second.ports.length, second.count], [1, 100, SERVICES * 1.1]);
  assert.deepEqual(
    [...first.names, ...second.names],
    found({ most: 200 }).names,
    "the second page goes on where the first one ended",
  );
  const last = found({ skip: 2700 });
  assert.equal(last.ports.length, 50);
  assert.deepEqual(found({ skip: 5000 }).names, []);
});

Deno.test("those that are not served, and those of a node, are found in several parts and all counted", () => {
  const lacking = found({ served: "not" });
  assert.deepEqual([lacking.ports.length, lacking.count], [100, 500]);
  assert.ok(lacking.parts > 2, `${lacking.parts} parts`);
  assert.ok(lacking.ports.every(({ serving }) => serving === 0));
  assert.deepEqual(found({ served: "not", skip: 450 }).ports.length, 50);
  const onNode = found({ text: "NODE-3" });
  assert.ok(onNode.parts > 2, `${onNode.parts} parts`);
  assert.equal(
    onNode.count,
    Array.from({ length: SERVICES }, (_, i) => i).filter((i) => i % 7 === 3 && i % 10 !== 0).length,
  );
});

Deno.test("a Service of that name is first, then those whose name has the text, then others", () => {
  const { names } = found({ text: "shop/s249" });
  assert.equal(names[0], "shop/s249:http");
  assert.deepEqual(names.slice(1, 3), ["shop/s2490:http", "shop/s2490:dns"]);
  assert.equal(names.length, 12);
  assert.deepEqual(found({ text: "10.96.1.7:80" }).names, ["shop/s263:http"]);
});

Deno.test("of Services that records changed only these are looked at", () => {
  const last = timeline.records.length - 1;
  const { names, of } = found({ changed: { from: last - 1, through: last } });
  assert.deepEqual([names, of], [["shop/s2499:http"], 1]);
});

Deno.test("Services that were worked out before are searched in parts too: to describe them takes time", () => {
  const services = new ShownServices(timeline);
  const search = (sought: Partial<Sought>) => new ServiceSearch(services, timeline, { ...ANY, ...sought });
  for (const all = search({ served: "not" }); !all.part().complete;);
  const first = search({ text: "node-3" }).part();
  assert.ok(!first.complete && first.looked < 800, `${first.looked} of ${first.of}`);
});
