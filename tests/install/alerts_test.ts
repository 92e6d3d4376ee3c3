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

Deno.test("a past that shrank to less than half is an alert; one that is unknown, grows or loses a little is none", async () => {
  const rules = await Deno.makeTempFile({ suffix: ".yaml" });
  await Deno.writeTextFile(rules, JSON.stringify({ groups: [ruleGroup("kube-proxy")] }));
  const pasts = {
    shrunk: "2592000x30 600000x60",
    unknown: "2592000x30 0x60",
    trimmed: "2592000x30 2000000x60",
    young: "0x10 100+60x80",
  };
  const series = Object.entries(pasts).map(([instance, values]) => ({
    series: `ledgerproxy_ledger_past_seconds{job="kube-proxy",instance="${instance}"}`,
    values,
  }));
  const { summary, runbook } = ALERTS.find(({ name }) => name === "LedgerproxyPastShrank")!;
  const fired = {
    exp_labels: { severity: "warning", instance: "shrunk", job: "kube-proxy" },
    exp_annotations: {
      summary: summary.replace("{{ $labels.instance }}", "shrunk")
        .replace("{{ $value | humanizeDuration }}", "6d 22h 40m 0s"),
      runbook,
    },
  };
  const expected = (eval_time: string, exp_alerts: object[]) => ({
    eval_time,
    alertname: "LedgerproxyPastShrank",
    exp_alerts,
  });
  const test = {
    interval: "1m",
    input_series: series,
    alert_rule_test: [expected("30m", []), expected("40m", [fired])],
  };
  const text = JSON.stringify({ rule_files: [rules], evaluation_interval: "1m", tests: [test] });
  assert.equal(promtool(text, "test", "rules"), "");
  await Deno.remove(rules);
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
  const used = ALERTS.reduce((sum, { expression }) => sum + metricsOf(expression).length, 0);
  assert.equal(text.split('job=\\"kube-proxy\\"').length - 1, used);
});
