// Compares with kube-proxy: the scenario files, and a small campaign with a fixed seed. `deno task campaign` runs a large one.

import assert from "node:assert/strict";
import { clusterTest as test } from "../support/cluster/scene.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";
import { scenarioFiles } from "../support/scenario/scenario_files.ts";
import { Bench, runCampaign } from "./campaign.ts";
import { NOT_FOR_KUBE_PROXY } from "./differences.ts";

requirePrivateNamespace();

const SEED = 20261123;
const CLUSTERS = 30;
const PACKETS = 20;

test("kube-proxy does what the scenario files say", async (t) => {
  await using bench = await Bench.start();
  for (const { name, scenario } of scenarioFiles()) {
    if (name in NOT_FOR_KUBE_PROXY) continue;
    await t.step(name, () => bench.play(scenario));
  }
});

test(`${CLUSTERS} random clusters of seed ${SEED}: tracer, real packets and kube-proxy agree`, async () => {
  const { clusters, packets } = await runCampaign(CLUSTERS, PACKETS, SEED, () => {});
  assert.ok(
    clusters >= CLUSTERS && packets >= CLUSTERS * PACKETS,
    `${clusters} clusters, ${packets} packets`,
  );
});
