// Alerts: promtool accepts them, every query uses metrics and reasons that exist, and every runbook a command that exists.

import assert from "node:assert/strict";
import { ALERTS, prometheusRule, ruleGroup } from "../../src/install/alerts.ts";
import { HEALTH_PROBLEMS } from "../../src/serve/problems.ts";
import { metricNames, metricsOf, promtool } from "../support/metric_names.ts";

Deno.test("promtool accepts the rules, and finds a mistake in them", () => {
  const rules = JSON.stringify({ groups: [ruleGroup("kube-proxy")] });
  assert.equal(promtool(rules, "check", "rules"), "");
  assert.notEqual(promtool(rules.replace("increase(", "incraese("), "check", "rules"), "");
});

Deno.test("each query uses metrics that the program has, and reasons that it names", async () => {
  const names = await metricNames();
  for (const { name, expression } of ALERTS) {
    const used = metricsOf(expression);
    assert.ok(used.length > 0, name);
    for (const metric of used) assert.ok(names.has(metric), `${name}: ${metric}`);
    for (const [, operator, value] of expression.matchAll(/reason(=~?)"([^"]*)"/g)) {
      const found = HEALTH_PROBLEMS.some((reason) =>
        operator === "=" ? reason === value : new RegExp(`^(?:${value})$`).test(reason)
      );
      assert.ok(found, `${name}: reason ${value}`);
    }
  }
});

Deno.test("the rule object selects the job that was asked for, in each expression", () => {
  const text = JSON.stringify(prometheusRule("kube-proxy", { name: "x" }));
  assert.ok(!text.includes("JOB"));
  assert.equal(text.split('job=\\"kube-proxy\\"').length - 1, ALERTS.length);
});
