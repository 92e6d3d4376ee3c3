// The metrics about the program itself, read as a scraper reads them.

import assert from "node:assert/strict";
import { conditionMetrics, FAULTS, SERVERS } from "../../src/serve/condition_metrics.ts";
import { CLOSINGS } from "../../src/serve/connections.ts";
import { HEALTH_PROBLEMS, type HealthProblem } from "../../src/serve/problems.ts";
import { Registry } from "../../src/serve/prometheus.ts";

/** The metrics, with the values that gauges read. */
function newCondition() {
  const registry = new Registry();
  const gauged = { problems: [] as HealthProblem[], droppedLines: 0 };
  const metrics = conditionMetrics(registry, {
    problems: () => gauged.problems,
    droppedLines: () => gauged.droppedLines,
  });
  const series = async () => (await registry.metrics()).split("\n").filter((line) => /^[a-z]/.test(line));
  return { metrics, gauged, series };
}

Deno.test("every series is there from the start, with the value 0", async () => {
  const series = await newCondition().series();
  for (const line of series) assert.match(line, / 0$/);
  const counts = HEALTH_PROBLEMS.length + FAULTS.length + SERVERS.length * (CLOSINGS.length + 1);
  assert.equal(series.length, counts + 4, "beside them: restarts, dropped lines, and assertions by result");
});

Deno.test("a problem is 1 while it lasts, and dropped lines are those of the whole run", async () => {
  const { gauged, series } = newCondition();
  gauged.problems = ["own Node deleted"];
  gauged.droppedLines = 7;
  assert.ok((await series()).includes('ledgerproxy_problem{reason="own Node deleted"} 1'));
  assert.ok((await series()).includes("ledgerproxy_log_lines_dropped_total 7"), "each time it is read");
  gauged.problems = [];
  assert.ok((await series()).includes('ledgerproxy_problem{reason="own Node deleted"} 0'));
});

Deno.test("faults, restarts and what the servers note are counted, each in its own series", async () => {
  const { metrics, series } = newCondition();
  const failed: unknown[] = [];
  const notes = metrics.notes("metrics", (error) => failed.push(error));
  metrics.faulted("loop");
  metrics.faulted("loop");
  metrics.restarted();
  notes.closed("late");
  notes.acceptFailed("EMFILE");
  notes.failed("x");
  assert.deepEqual(failed, ["x"]);
  assert.deepEqual((await series()).filter((line) => !line.endsWith(" 0")).sort(), [
    'ledgerproxy_faults_total{kind="loop"} 2',
    'ledgerproxy_http_accept_failures_total{server="metrics"} 1',
    'ledgerproxy_http_connections_closed_total{server="metrics",reason="late"} 1',
    "ledgerproxy_restarts_total 1",
  ]);
});
