// The chains of affinity: packets leave them as they came, but for the translation.

import assert from "node:assert/strict";
import { affinityChains, affinityContainers, rulesAtClusterIP } from "../../src/fold/affinity_chains.ts";
import { leadPinnedFor } from "../../src/fold/leads.ts";
import { trace } from "../../src/history/trace.ts";
import { FAMILIES } from "../../src/nft/data_type.ts";
import { setPath } from "../../src/nft/ruleset.ts";
import { ruleText } from "../../src/nft/text.ts";
import { stateOf } from "../support/scenario/expectation.ts";
import { DEFAULT_PROXY_CONFIG } from "../../src/kube/proxy_config.ts";
import { decodeAll, manifestOf, nodeManifest, parseScenario } from "../support/scenario/scenario.ts";

const CLUSTER = decodeAll([
  nodeManifest(),
  ...parseScenario(`
service shop/web type=NodePort ips=10.96.0.10,fd00:96::10 ports=:80/tcp:30080 affinity=60
slice shop/web-a ports=:8080/tcp 10.244.1.6@node-a 10.244.2.5@node-b
slice shop/web-b ports=:8080/tcp fd00:10:244:1::6@node-a`).objects.map(manifestOf),
]);

Deno.test("a packet is translated, dropped, or left as it came, whatever elements another program takes away", () => {
  const { tables, desired } = stateOf(DEFAULT_PROXY_CONFIG, CLUSTER);
  const ways = [
    { source: "203.0.113.2", destination: "10.96.0.10", port: 80 },
    { source: "203.0.113.2", destination: "192.168.0.2", port: 30080 },
    { source: "fd00:203::2", destination: "fd00:96::10", port: 80 },
    { source: "fd00:203::2", destination: "fd00:192::2", port: 30080 },
  ] as const;
  const own = ["192.168.0.2", "fd00:192::2"] as never[];
  for (const family of FAMILIES) {
    for (const { name } of affinityContainers(family)) {
      const without = new Map(desired).set(setPath(family, "ledgerproxy", name), new Map());
      for (const way of ways) {
        const packet = { ...way, protocol: "tcp" } as never;
        for (const outcome of trace({ tables, elements: without }, packet, own).outcomes) {
          const { kind, destination, port } = outcome;
          if (kind !== "deliver") continue;
          const came = destination === way.destination && port === way.port;
          assert.ok(came || port === 8080, `without ${name}: ${JSON.stringify(outcome)}`);
        }
      }
    }
  }
});

Deno.test("at a cluster IP one rule serves a client that has a pin, and no rule writes a note into the source", () => {
  for (const family of FAMILIES) {
    const [first, ...others] = rulesAtClusterIP(family, 60).map((rule) => ruleText(family, rule));
    assert.match(first!, /^\S+ daddr set .* map @affinity-pins update @affinity-pins .* timeout 1m .* dnat /);
    const draw = affinityChains(family).filter(({ name }) => name.startsWith("affinity-ip-"));
    const drawn = draw.flatMap(({ rules }) => rules.map((rule) => ruleText(family, rule)));
    assert.ok(drawn.length > 0);
    for (const text of [first!, ...others, ...drawn]) assert.doesNotMatch(text, /saddr set/);
  }
});

Deno.test("only a pin to an endpoint that is gone is deleted: a client without a pin still has the lead", () => {
  for (const family of FAMILIES) {
    const [, gone, draw] = rulesAtClusterIP(family, 60).map((rule) => ruleText(family, rule));
    assert.ok(
      gone!.startsWith(`${family} daddr != ${leadPinnedFor(family, 60)} delete @affinity-pins`),
      gone!,
    );
    assert.equal(draw, "jump affinity-ip-draw");
  }
});

Deno.test("the source is put back before each translation", () => {
  for (const family of FAMILIES) {
    for (const name of ["affinity-ips", "affinity-nodeports"]) {
      const { rules } = affinityChains(family).find((chain) => chain.name === name)!;
      const text = rules.map((rule) => ruleText(family, { statements: rule.statements })).join(" ");
      assert.match(text, new RegExp(`${family} saddr set ct original ${family} saddr dnat [^;]*$`));
      assert.equal(text.split("dnat ").length, 2);
    }
  }
});
