// A page that is served does not grow for ever.

import assert from "node:assert/strict";
import { Report } from "../../../src/report/page/report.ts";
import type { ReportData } from "../../../src/report/report_data.ts";
import { timelineOf } from "../../../src/report/timeline.ts";
import { appears, service, slice, vanishes } from "../../support/cluster_notation.ts";
import { at, commit, CONFIG } from "../../support/report_records.ts";

const DATA: ReportData = {
  ...{ version: "0", node: "node-a", ledger: "0123456789abcdef" },
  leftOut: { before: 0, after: 0, oldest: at(0), newest: at(0) },
  ...{ first: 0, snapshot: [], causes: [], outages: [], live: true },
  records: [CONFIG, appears(service("shop/web 10.96.0.1 http:80/tcp")), commit(1, [0, 1], [1])],
};

/** The records of round `i`: an endpoint moves, a Service of that round comes and the one before goes, and a commit. */
function round(i: number) {
  const first = 3 + 4 * i;
  const name = (i: number) => service(`old/s${i} 10.96.1.${i % 200 + 1} http:80/tcp`);
  return [
    { ...appears(slice(`shop/web-a http:8080/tcp 10.244.0.${i % 250 + 1}`)), time: at(i) },
    { ...appears(name(i)), time: at(i) },
    { ...vanishes(name(i - 1)), time: at(i) },
    commit(i + 2, [first, first + 2], [first]),
  ];
}

Deno.test("however many records arrive, a page keeps those of its window, and what it shows is right", () => {
  const report = new Report(DATA, timelineOf(DATA), 100);
  const kept: number[] = [];
  report.follow(["records"], () => kept.push(report.data.records.length));
  for (let i = 0; i < 500; i++) report.append({ records: round(i), outages: [] });
  assert.ok(Math.max(...kept) <= 125, `${Math.max(...kept)} records`);
  assert.equal(kept.length, 501);
  const { data, stops, stop, timeline } = report;
  assert.equal(data.first + data.records.length, 2003);
  assert.equal(data.leftOut.before, data.first);
  assert.equal(stop.through, 2001, "a reader who looks at the end goes on to the new end");
  assert.equal(stops[0]!.offset, data.first - 1);
  assert.ok(timeline.services.names.length < 60, `${timeline.services.names.length} Services`);
  const [web] = report.services.of(timeline.services.names.at(-1)!);
  assert.deepEqual(web!.endpoints.map(({ text }) => text), ["10.244.0.250:8080"]);
});

Deno.test("a reader whose moment is forgotten sees the beginning of what is left", () => {
  const report = new Report(DATA, timelineOf(DATA), 20);
  for (let i = 0; i < 3; i++) report.append({ records: round(i), outages: [] });
  report.goTo(1);
  const { offset } = report.stop;
  for (let i = 3; i < 5; i++) report.append({ records: round(i), outages: [] });
  assert.equal(report.stop.offset, offset, "it stays while it is there");
  for (let i = 5; i < 40; i++) report.append({ records: round(i), outages: [] });
  assert.equal(report.at, 0);
  assert.deepEqual(report.services.of(report.timeline.services.names.at(-1)!).length, 1);
});
