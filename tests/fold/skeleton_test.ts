// The base chains: which packets the kernel shows them, and in which order.

import assert from "node:assert/strict";
import { skeleton } from "../../src/fold/skeleton.ts";
import { DEFAULT_PROXY_CONFIG } from "../../src/kube/proxy_config.ts";
import { rulesetText } from "../../src/nft/text.ts";

Deno.test("every base chain is of type nat, so that packets of established connections meet none", () => {
  for (const { family, chains } of skeleton(DEFAULT_PROXY_CONFIG)) {
    const hooks = chains.flatMap(({ name, hook }) => hook === undefined ? [] : [{ name, ...hook }]);
    assert.ok(hooks.length > 0);
    assert.deepEqual(hooks.filter(({ type }) => type !== "nat"), [], family);
  }
});

Deno.test("the guard comes before every program that translates, frontends where kube-proxy has them, refusal last", () => {
  for (const { chains } of skeleton(DEFAULT_PROXY_CONFIG)) {
    for (const hook of ["prerouting", "output"]) {
      const here = chains.filter((chain) => chain.hook?.hook === hook)
        .sort((a, b) => a.hook!.priority - b.hook!.priority)
        .map(({ name, hook }) => `${name} ${hook!.priority}`);
      assert.deepEqual(here, [`guard-${hook} -110`, `nat-${hook} -100`, `refuse-${hook} 1000`]);
    }
  }
});

Deno.test("only a packet that is forwarded is refused for its cluster IP, where other hosts send it", () => {
  const [ip] = skeleton(DEFAULT_PROXY_CONFIG);
  const excepts = (name: string) =>
    ip!.chains.find((chain) => chain.name === name)!.rules.filter(({ statements }) =>
      statements.some((one) =>
        one.kind === "match" && one.selector === "fib daddr type" && one.operator === "!="
      )
    ).length;
  const chains = ["refuse-prerouting", "unserved-prerouting", "refuse-output", "unserved-output"];
  assert.deepEqual(chains.map(excepts), [1, 1, 0, 0]);
});

Deno.test("counting adds counters to maps and changes nothing else; off, the rules are as without the setting", () => {
  const text = (countConnections?: boolean) => {
    const config = countConnections === undefined ? {} : { countConnections };
    return rulesetText({ tables: skeleton({ ...DEFAULT_PROXY_CONFIG, ...config }), elements: new Map() });
  };
  assert.equal(text(false), text());
  assert.ok(!text().includes("counter"));
  assert.equal(text(true).replaceAll("\t\tcounter\n", ""), text());
  assert.equal(text(true).split("\t\tcounter\n").length - 1, 2 * 11);
});
