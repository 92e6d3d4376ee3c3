// Packets whose translation is masqueraded: what they meet first, and that a mark does not stay without a translation.

import assert from "node:assert/strict";
import { skeleton } from "../../src/fold/skeleton.ts";
import { DEFAULT_PROXY_CONFIG, type ProxyConfig } from "../../src/kube/proxy_config.ts";
import { FAMILIES, type Family } from "../../src/nft/data_type.ts";
import { ruleText } from "../../src/nft/text.ts";

const CLUSTER_CIDR: ProxyConfig = {
  ...DEFAULT_PROXY_CONFIG,
  detectLocal: { mode: "ClusterCIDR", cidrs: ["10.244.0.0/16", "fd00:10:244::/48"] },
};

/** The rules of chain `name`, as text without comments. */
function rulesOf(family: Family, name: string, config: ProxyConfig = CLUSTER_CIDR): string[] {
  const { chains } = skeleton(config).find((table) => table.family === family)!;
  return chains.find((chain) => chain.name === name)!.rules
    .map(({ statements }) => ruleText(family, { statements }));
}

/** The first of {@link rulesOf} that looks into `container`. */
function place(rules: readonly string[], container: string): number {
  return rules.findIndex((text) => text.includes(` @${container}`));
}

Deno.test("what an outside chain marks loses the mark again before anything else is looked for, and at the end", () => {
  for (const family of FAMILIES) {
    for (const chain of ["from-outside", "from-node", "nodeports"]) {
      let marked = false;
      for (const rule of rulesOf(family, chain)) {
        const translates = rule.includes(`dnat ${family} to`);
        assert.ok(!marked || translates || rule.startsWith("meta mark set meta mark ^"), `${chain}: ${rule}`);
        if (rule.startsWith("meta mark set meta mark |")) marked = true;
        if (rule.startsWith("meta mark set meta mark ^")) marked = false;
      }
      assert.equal(marked, false, chain);
    }
  }
});

Deno.test("a packet that another program marked keeps the mark", () => {
  for (const chain of ["from-outside", "from-node"]) {
    assert.equal(rulesOf("ip", chain)[0], "meta mark & 0x00004000 != 0x00000000 return");
  }
  assert.match(
    rulesOf("ip", "nodeports")[0]!,
    /^meta mark & 0x00004000 != 0x00000000 .* goto nodeport-lead$/,
  );
});

Deno.test("two slots are drawn from behind the lookup of leads: larger frontends have slots in the same map", () => {
  for (const family of FAMILIES) {
    for (const chain of ["nat-prerouting", "nat-output", "from-outside", "from-node"]) {
      const rules = rulesOf(family, chain);
      const [leads, slots] = [place(rules, "service-ips"), place(rules, "endpoints")];
      assert.ok(leads >= 0 && slots > leads, `${family} ${chain}`);
    }
  }
});

Deno.test("packets of pods pass no outside chain; all packets do where all are masqueraded, none without a detector", () => {
  const first = (config: ProxyConfig) => rulesOf("ip", "nat-prerouting", config)[0];
  assert.equal(first(CLUSTER_CIDR), "ip saddr != 10.244.0.0/16 jump from-outside");
  assert.equal(first({ ...CLUSTER_CIDR, masqueradeAll: true }), "jump from-outside");
  assert.match(first(DEFAULT_PROXY_CONFIG)!, /^meta priority set .* map @service-ips goto lead$/);
});

Deno.test("an external address with one endpoint needs no lead, nor a NodePort a slot, whatever the detector", () => {
  for (const family of FAMILIES) {
    for (const config of [CLUSTER_CIDR, DEFAULT_PROXY_CONFIG]) {
      const [external] = rulesOf(family, "single-external", config);
      assert.match(external!, /^meta mark set .* dnat .* map @single-external-endpoints$/);
      for (const chain of ["nat-prerouting", "nat-output"]) {
        const rules = rulesOf(family, chain, config);
        assert.ok(rules.some((text) => text.endsWith(" jump nodeports")));
        assert.match(rules[place(rules, "single-external-ips")]!, / goto single-external$/);
      }
    }
  }
});

Deno.test("cluster IPs come before NodePorts where a cluster IP may be an address that accepts them", () => {
  for (const chain of ["from-outside", "nat-prerouting"]) {
    const order = (nodePortAddresses: string[]) => {
      const rules = rulesOf("ip", chain, { ...CLUSTER_CIDR, nodePortAddresses });
      const nodePorts = rules.findIndex((text) => text.endsWith("jump nodeports"));
      return nodePorts < place(rules, "endpoints") ? "NodePorts first" : "cluster IPs first";
    };
    assert.deepEqual([["primary"], ["all"], ["primary", "10.96.0.0/12"]].map(order), [
      "NodePorts first",
      "cluster IPs first",
      "cluster IPs first",
    ]);
  }
});
