// The chains of affinity: packets leave them as they came, but for the translation.

import assert from "node:assert/strict";
import { affinityContainers, pinnedRules } from "../../src/fold/affinity_chains.ts";
import { trace } from "../../src/history/trace.ts";
import { DEFAULT_PROXY_CONFIG } from "../../src/kube/proxy_config.ts";
import { FAMILIES } from "../../src/nft/data_type.ts";
import { type Elements, setPath } from "../../src/nft/ruleset.ts";
import { ruleText } from "../../src/nft/text.ts";
import { stateOf } from "../support/scenario/expectation.ts";
import { decodeAll, manifestOf, nodeManifest, parseScenario } from "../support/scenario/scenario.ts";

const CLUSTER = decodeAll([
  nodeManifest(),
  ...parseScenario(`
service shop/web type=NodePort ips=10.96.0.10,fd00:96::10 ports=:80/tcp:30080 affinity=60 external=198.51.100.10
slice shop/web-a ports=:8080/tcp 10.244.1.6@node-a 10.244.2.5@node-b
slice shop/web-b ports=:8080/tcp fd00:10:244:1::6@node-a`).objects.map(manifestOf),
]);
const SHORT = { seconds: 60, short: true, at: "address", list: "cluster" } as const;

Deno.test("a packet is translated, dropped, or left as it came, whatever elements another program takes away", () => {
  const { tables, desired } = stateOf(DEFAULT_PROXY_CONFIG, CLUSTER);
  const ways = [
    { source: "203.0.113.2", destination: "10.96.0.10", port: 80 },
    { source: "203.0.113.2", destination: "198.51.100.10", port: 80 },
    { source: "203.0.113.2", destination: "192.168.0.2", port: 30080 },
    { source: "fd00:203::2", destination: "fd00:96::10", port: 80 },
    { source: "fd00:203::2", destination: "fd00:192::2", port: 30080 },
  ] as const;
  const own = ["192.168.0.2", "fd00:192::2"] as never[];
  for (const family of FAMILIES) {
    for (const { name } of affinityContainers(family)) {
      const without = new Map([...desired as Elements]).set(setPath(family, "ledgerproxy", name), new Map());
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

Deno.test("at a cluster IP one rule serves a client that has a pin, and no rule writes into the packet's header", () => {
  for (const family of FAMILIES) {
    const [first, ...others] = pinnedRules(family, SHORT).map((rule) => ruleText(family, rule));
    assert.match(
      first!,
      /^meta priority set .* map @affinity-pins update @affinity-pins .* timeout 1m .* dnat /,
    );
    for (const text of [first!, ...others]) assert.doesNotMatch(text, /[sd]addr set|dport set/);
  }
});

Deno.test("only the number of an endpoint is pinned, and only a pin to one that is gone is deleted", () => {
  const isNumber = "meta priority & 2000:0 != 2000:0 ";
  for (const family of FAMILIES) {
    const [, two, gone, draw, last, full] = pinnedRules(family, SHORT).map((rule) => ruleText(family, rule));
    assert.ok(gone!.startsWith(`${isNumber}delete @affinity-pins`), gone!);
    assert.equal(draw, "jump affinity-draw");
    assert.ok(last!.startsWith(`${isNumber}update @affinity-pins`), last!);
    assert.match(full!, /^dnat .* map @affinity-endpoints comment "no room for its pin"$/);
    assert.match(two!, /numgen random mod 2 map @affinity-slots update @affinity-pins/);
    for (const at of ["address", "nodeport"] as const) {
      for (const list of ["cluster", "local"] as const) {
        const rules = pinnedRules(family, { seconds: 60, short: false, at, list });
        const pins = rules.map((rule) => ruleText(family, rule)).filter((text) => text.includes("update @"));
        assert.ok(pins.length === 1 && pins[0]!.startsWith(`${isNumber}update @affinity-pins`));
      }
    }
  }
});

Deno.test("destination and port are put back before each translation", () => {
  for (const family of FAMILIES) {
    for (const at of ["address", "nodeport"] as const) {
      const rules = pinnedRules(family, { seconds: 60, short: false, at, list: "cluster" });
      const text = rules.map((rule) => ruleText(family, { statements: rule.statements })).join(" ");
      const port = at === "nodeport" ? ".* th dport set .* map @affinity-port-nodeports" : ".*";
      assert.match(text, new RegExp(`${port} ${family} daddr set ct original ${family} daddr dnat [^;]*$`));
      assert.equal(text.split("dnat ").length, 2);
    }
  }
});
