// The dashboard: every query names a metric that exists, parses, and is limited to the chosen job and instance.

import assert from "node:assert/strict";
import { dashboard, PANELS } from "../../src/install/dashboard.ts";
import { metricNames, metricsOf, promtool } from "../support/metric_names.ts";

const QUERIES = PANELS.flatMap(({ title, queries }) =>
  Object.values(queries).map((query) => [title, query] as const)
);

Deno.test("each panel asks for metrics that the program has", async () => {
  const names = await metricNames();
  for (const [title, query] of QUERIES) {
    const used = metricsOf(query);
    assert.ok(used.length > 0, title);
    for (const metric of used) assert.ok(names.has(metric), `${title}: ${metric}`);
    assert.ok(query.includes("{TARGET"), title);
  }
});

Deno.test("promtool parses each query once Grafana has filled its variables", () => {
  const filled = (query: string) =>
    query.replaceAll("TARGET", 'job=~"a", instance=~"b"').replaceAll("$__rate_interval", "5m");
  const rules = QUERIES.map(([, query], i) => ({ record: `q:${i}`, expr: filled(query) }));
  assert.equal(promtool(JSON.stringify({ groups: [{ name: "q", rules }] }), "check", "rules"), "");
});

Deno.test("panels do not overlap, and each target has a letter of its own", () => {
  const { panels } = dashboard() as {
    panels: { gridPos: { x: number; y: number }; targets: { refId: string; expr: string }[] }[];
  };
  assert.equal(new Set(panels.map(({ gridPos: { x, y } }) => `${x} ${y}`)).size, PANELS.length);
  for (const { targets } of panels) {
    assert.equal(new Set(targets.map(({ refId }) => refId)).size, targets.length);
    for (const { expr } of targets) assert.doesNotMatch(expr, /TARGET/);
  }
});
