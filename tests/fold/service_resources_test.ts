// The resources of a Service: each once, found by its claim, whether there are two or hundreds.

import assert from "node:assert/strict";
import { elementResource } from "../../src/fold/resource.ts";
import { ServiceResources } from "../../src/fold/service_resources.ts";
import { PATHS } from "../../src/fold/skeleton.ts";
import { elementKey } from "../../src/nft/ruleset.ts";

const resource = (number: number, comment: string) =>
  elementResource(PATHS.ip["cluster-ips"], { key: elementKey([`10.96.0.${number}`]), comment });

for (const count of [0, 1, 2, 8, 9, 200]) {
  Deno.test(`${count} resources are found by their claims, in the order in which they were added`, () => {
    const resources = new ServiceResources();
    const added = Array.from({ length: count }, (_, i) => resource(i, "first"));
    for (const one of added) resources.add(one);
    // The first of two with the same claim stays.
    for (let i = 0; i < count; i++) resources.add(resource(i, "second"));
    for (const trimmed of [false, true]) {
      if (trimmed) resources.trim();
      assert.deepEqual(resources.all, added);
      for (const one of added) assert.equal(resources.get(one.claim), one);
      assert.equal(resources.get(resource(250, "none").claim), undefined);
    }
  });
}
