// Hostile objects in the real kernel: every object that decoding accepts makes a batch that the kernel accepts and nft
// can list.

import assert from "node:assert/strict";
import fc from "fast-check";
import { decodeObject } from "../../src/kube/decode.ts";
import { describeKey, objectKey } from "../../src/kube/objects.ts";
import { separated } from "../../src/nft/objects.ts";
import { hostileClusters } from "../support/arbitrary_hostile.ts";
import { Lab } from "../support/lab/lab.ts";
import { LabProxy } from "../support/lab/proxy.ts";
import { meaning } from "../support/meaning.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";

requirePrivateNamespace();

const RUNS = 150;

Deno.test("no hostile object makes a batch that the kernel rejects, or sets its Service aside", () => {
  using lab = new Lab();
  using proxy = new LabProxy(lab);
  const property = fc.property(hostileClusters, (manifests) => {
    const decoded = manifests.map(decodeObject).flatMap((result) => result.ok ? [result.object] : []);
    const objects = new Map(decoded.map((object) => [describeKey(objectKey(object)), object]));
    proxy.apply([...objects.values()]);
    assert.deepEqual([...proxy.engine.cluster.aside], []);
    const held = meaning(separated(proxy.listed()).elements);
    assert.deepEqual(held, meaning(proxy.desired.elements));
  });
  fc.assert(property, { numRuns: RUNS, seed: 20261123 });
  lab.run("node", "nft list ruleset > /dev/null");
});
