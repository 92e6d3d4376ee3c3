// A short form of the campaign of `plan` (plan_campaign.ts): what it says of changes of a real API server is what happens.

import assert from "node:assert/strict";
import { clusterTest } from "../support/cluster/scene.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";
import { runPlanCampaign } from "./plan_campaign.ts";

requirePrivateNamespace();

clusterTest(
  "plan says which elements a change moves, where packets go then, and which are served no more",
  async () => {
    const { changes, elements, sent } = await runPlanCampaign(15, 1, () => {});
    assert.equal(changes, 15);
    assert.ok(elements > 0 && sent > 0, `${elements} elements, ${sent} packets`);
  },
);
