// The chains between a frontend and its pick chain: every lead is compared somewhere, and what none takes stays as it came.

import assert from "node:assert/strict";
import { frontendChains } from "../../src/fold/frontend_chains.ts";
import { lead } from "../../src/fold/leads.ts";
import { skeleton } from "../../src/fold/skeleton.ts";
import { SLOT_CLASSES } from "../../src/fold/slots.ts";
import { FakeKernel } from "../../src/kernel/fake_kernel.ts";
import { DEFAULT_PROXY_CONFIG } from "../../src/kube/proxy_config.ts";
import { FAMILIES, type Family } from "../../src/nft/data_type.ts";
import { ruleText } from "../../src/nft/text.ts";
import { createTable } from "../../src/nft/transaction.ts";

/** The rules of chain `name`, as text without comments. */
function rulesOf(family: Family, name: string): string[] {
  const chain = skeleton(DEFAULT_PROXY_CONFIG).find((table) => table.family === family)!.chains.find((
    chain,
  ) => chain.name === name);
  return chain!.rules.map((rule) => ruleText(family, { statements: rule.statements }));
}

Deno.test("each lead goes to the pick chain of its slot class", () => {
  const lists = [
    ["lead", "cluster", "pick"],
    ["external", "external", "pick"],
    ["local-pick", "local", "local-pick"],
    ["nodeport-lead", "cluster", "nodeport-pick"],
    ["local-nodeport-pick", "local", "local-nodeport-pick"],
  ] as const;
  for (const family of FAMILIES) {
    for (const [chain, kind, flavour] of lists) {
      const rules = rulesOf(family, chain);
      for (const slotClass of SLOT_CLASSES) {
        const compares = `meta priority ${lead(kind, slotClass)} goto ${flavour}-${slotClass}`;
        assert.ok(rules.includes(compares), `${chain}: ${compares}`);
      }
    }
  }
});

Deno.test("what comes back from a chain with another lead meets the comparison of each behind the jump there", () => {
  for (const family of FAMILIES) {
    for (const [chain, jump] of [["lead", "external"], ["nodeport-lead", "nodeport-local"]] as const) {
      const rules = rulesOf(family, chain);
      const jumped = rules.findIndex((text) => text.endsWith(` jump ${jump}`));
      for (const slotClass of SLOT_CLASSES) {
        const at = rules.findLastIndex((text) =>
          text.startsWith(`meta priority ${lead("cluster", slotClass)} goto`)
        );
        assert.ok(jumped >= 0 && at > jumped, `${chain}: class ${slotClass}`);
      }
    }
  }
});

Deno.test("one rule of each kind of frontend leads to affinity, because the kernel validates what is behind it each time", () => {
  for (const { chains } of skeleton(DEFAULT_PROXY_CONFIG)) {
    const leading = chains.flatMap(({ name, rules }) =>
      rules.flatMap(({ statements }) =>
        statements.some((one) => one.kind === "vmap" && one.map === "affinity-leads") ? [name] : []
      )
    );
    assert.deepEqual(leading, ["lead", "nodeport-lead"]);
  }
});

Deno.test("no rule of the skeleton writes into a packet's header, so one that finds no endpoint goes on as it came", () => {
  for (const { family, chains } of skeleton(DEFAULT_PROXY_CONFIG)) {
    for (const { name } of chains) {
      for (const text of rulesOf(family, name)) assert.doesNotMatch(text, /[sd]addr set|dport set/, name);
    }
  }
});

Deno.test("no chain leads back to itself, whatever the detector and the addresses of NodePorts", () => {
  using kernel = new FakeKernel();
  kernel.commit(
    skeleton({
      ...DEFAULT_PROXY_CONFIG,
      detectLocal: { mode: "BridgeInterface", name: "cbr0" },
      nodePortAddresses: ["primary", "192.0.2.0/24", "::/0"],
    }).flatMap(createTable),
  );
  const names = frontendChains("ip", DEFAULT_PROXY_CONFIG, undefined).map(({ name }) => name);
  const tables = kernel.list([{ family: "ip", name: "ledgerproxy" }]).tables;
  assert.ok(names.every((name) => tables[0]!.chains.some((chain) => chain.name === name)));
});
