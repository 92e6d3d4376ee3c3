// Each scenario file: the tracer's answer for each packet is the one in the file. tests/kernel checks the same files with real
// packets, and tests/cluster with kube-proxy. REWRITE=1 writes the tracer's answers into the files.

import assert from "node:assert/strict";
import fc from "fast-check";
import { CONFIGS, scenarios } from "./support/scenario/arbitrary_scenario.ts";
import { expected, stateOf } from "./support/scenario/expectation.ts";
import { configOf, parseScenario, scenarioText } from "./support/scenario/scenario.ts";
import { objectsOf, promiseText, rewrite, scenarioFiles } from "./support/scenario/scenario_files.ts";

for (const file of scenarioFiles()) {
  Deno.test(`scenario ${file.name}: the tracer agrees`, () => {
    const { config, probes } = file.scenario;
    const state = stateOf(configOf(config), objectsOf(file.scenario));
    const ruleset = { tables: state.tables, elements: state.desired };
    const lines = probes.map((probe) => promiseText(probe, expected(ruleset, probe)));
    if (Deno.env.has("REWRITE")) rewrite(file, lines);
    else assert.deepEqual(lines, file.tail.trimEnd().split("\n"));
  });
}

Deno.test("a scenario reads as it was written", () => {
  fc.assert(fc.property(scenarios(CONFIGS, 3), (scenario) => {
    assert.deepEqual(parseScenario(scenarioText(scenario)), scenario);
  }));
});
