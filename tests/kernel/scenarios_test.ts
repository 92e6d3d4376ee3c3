// Every scenario file in the real kernel: packets from real hosts reach the servers that the file expects, and the
// servers see the expected sources. All files are applied to one node, one after the other, as changes.

import assert from "node:assert/strict";
import { Lab } from "../support/lab/lab.ts";
import { agrees, observe } from "../support/lab/observe.ts";
import { LabProxy } from "../support/lab/proxy.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";
import { configOf, probeText } from "../support/scenario/scenario.ts";
import { objectsOf, scenarioFiles } from "../support/scenario/scenario_files.ts";

requirePrivateNamespace();

Deno.test("real packets reach the servers that the scenario files expect", async (t) => {
  using lab = new Lab();
  using proxy = new LabProxy(lab);
  for (const { name, scenario, promises } of scenarioFiles()) {
    await t.step(name, () => {
      proxy.configure(configOf(scenario.config));
      proxy.apply(objectsOf(scenario));
      scenario.probes.forEach((probe, i) => {
        const seen = observe(lab, probe, promises[i]!);
        const promised = promises[i]!.observations.join(" | ");
        assert.ok(agrees(seen, promises[i]!), `${probeText(probe)}: ${seen.join(" | ")}, not ${promised}`);
      });
    });
  }
});
