// The guard of a frontend in steps: few sources differ between two steps, and each step is safe.

import assert from "node:assert/strict";
import fc from "fast-check";
import { differingSources, nextResource } from "../../src/fold/guard_steps.ts";
import type { FrontendResource, ServiceResource } from "../../src/fold/resource.ts";
import { frontendClaim } from "../../src/fold/resource.ts";
import { NO_SLOTS } from "../../src/fold/slots.ts";
import { elementKey } from "../../src/nft/ruleset.ts";

const KEY = elementKey(["203.0.113.1", "tcp", "80"]);
const MOST = 3;

function frontend(
  comment: string,
  sources: readonly string[],
  values = { serve: "0.0.0.2" },
): FrontendResource {
  return {
    kind: "frontend",
    claim: frontendClaim("ip", KEY),
    at: "address",
    family: "ip",
    rank: 1,
    frontend: KEY,
    comment,
    values,
    guarded: sources.length > 0,
    sources,
    slots: NO_SLOTS,
    localSlots: NO_SLOTS,
  };
}

/** The resources from `stands` to `wanted`, both included. */
function way(stands: ServiceResource | undefined, wanted: ServiceResource | undefined): ServiceResource[] {
  const steps: (ServiceResource | undefined)[] = [stands];
  while (steps.at(-1) !== wanted) {
    assert.ok(steps.length < 100, "it ends");
    steps.push(nextResource(steps.at(-1), wanted, MOST));
  }
  return steps as ServiceResource[];
}

const sources = fc.uniqueArray(fc.nat(30).map((i) => `10.0.${i}.0/24`), { maxLength: 20 });
const resource = fc.option(
  fc.tuple(fc.constantFrom("shop/a:", "shop/b:"), sources).map(([comment, list]) => frontend(comment, list)),
  { nil: undefined },
);

Deno.test("from any frontend to any other a few sources are changed at a time", () => {
  fc.assert(fc.property(resource, resource, (stands, wanted) => {
    const steps = way(stands, wanted);
    for (const [i, step] of steps.entries()) {
      assert.ok(i === 0 || differingSources(steps[i - 1], step) <= MOST);
    }
  }));
});

Deno.test("no step of one Service's guard refuses a source of both, or lets through one of neither", () => {
  fc.assert(fc.property(sources, sources, (old, now) => {
    fc.pre(old.length > 0 && now.length > 0);
    for (const step of way(frontend("shop/a:", old), frontend("shop/a:", now))) {
      const { guarded, sources } = step as FrontendResource;
      assert.ok(guarded);
      assert.ok(old.filter((one) => now.includes(one)).every((one) => sources.includes(one)));
      assert.ok(sources.every((one) => old.includes(one) || now.includes(one)));
    }
  }));
});

Deno.test("a frontend that is new, or another Service's, leads nowhere before its guard is whole", () => {
  fc.assert(fc.property(sources, sources, (old, now) => {
    fc.pre(now.length > 0);
    const wanted = frontend("shop/b:", now);
    for (const stands of [undefined, frontend("shop/a:", old)]) {
      for (const step of way(stands, wanted).slice(1)) {
        const { guarded, values, comment, sources } = step as FrontendResource;
        if (comment === "shop/b:" && "serve" in values) {
          assert.ok(guarded && now.every((one) => sources.includes(one)));
          assert.ok(sources.every((one) => now.includes(one)));
        }
      }
    }
  }));
});
