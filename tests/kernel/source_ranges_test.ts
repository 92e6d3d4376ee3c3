// Source ranges on the real kernel: rules of every length, and Services whose lengths change, at once and in steps.

import assert from "node:assert/strict";
import fc from "fast-check";
import { elementsInPlace, OUR_TABLES } from "../../src/engine/kernel_tables.ts";
import { commitBatch } from "../../src/engine/executor.ts";
import { isUnfinished } from "../../src/fold/unfinished.ts";
import { SERVICE_BOUNDS } from "../../src/kube/bounds.ts";
import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import type { Service } from "../../src/kube/objects.ts";
import { ADDRESS_BITS, FAMILIES, type Family } from "../../src/nft/data_type.ts";
import { separated } from "../../src/nft/objects.ts";
import { diff } from "../../src/plan/delta.ts";
import { appears, service, vanishes } from "../support/cluster_notation.ts";
import { EngineProcess, TIME } from "../support/engine_process.ts";
import { memoryStorage } from "../support/memory_storage.ts";
import { nft, requirePrivateNamespace } from "../support/private_namespace.ts";

requirePrivateNamespace();

const CONFIG = {
  kind: "config",
  time: TIME,
  version: "0",
  nodeName: "node-a",
  bounds: SERVICE_BOUNDS,
} as const;

function web(index: number, family: Family, ranges: readonly string[]): Service {
  const [clusterIP, ip] = family === "ip"
    ? [`10.96.0.${index}`, `203.0.113.${index}`]
    : [`fd00:96::${index}`, `2001:db8::${index}`];
  const base = service(`shop/web-${family}-${index} ${clusterIP} http:80/tcp dns:53/udp`, undefined, {
    type: "LoadBalancer",
    loadBalancerSourceRanges: ranges,
  });
  return { ...base, status: { loadBalancer: { ingress: [{ ip }] } } };
}

/** `count` disjoint ranges whose lengths are `lengths` in turns. */
function ranges(family: Family, count: number, lengths: readonly number[]): string[] {
  return Array.from({ length: count }, (_, i) => {
    const length = lengths[i % lengths.length]!;
    return family === "ip" ? `${i + 1}.0.0.0/${length}` : `${(0x2000 + i).toString(16)}::/${length}`;
  });
}

function differing({ engine }: EngineProcess, kernel: NetlinkKernel): number {
  return diff(elementsInPlace(engine.tables), separated(kernel.list(OUR_TABLES)).elements).length;
}

/** Commits until nothing waits for a step. */
function settle(process: EngineProcess): void {
  const { engine, ports } = process;
  for (let steps = 0; isUnfinished(engine.cluster) && steps < 200; steps++) commitBatch(engine, ports, true);
  assert.equal(isUnfinished(engine.cluster), false);
  process.commit([]);
}

Deno.test("nft prints a rule of every length as the kernel's listing has it, and loads what it printed", () => {
  using kernel = new NetlinkKernel();
  using process = new EngineProcess(kernel, memoryStorage(), { first: [CONFIG] });
  process.list(...FAMILIES.flatMap((family) =>
    Array.from(
      { length: ADDRESS_BITS[family] - 8 },
      (_, i) => web(i + 1, family, ranges(family, 1, [i + 9])),
    )
  ));
  settle(process);
  assert.equal(differing(process, kernel), 0);
  const printed = nft(["-s", "list", "ruleset"]);
  assert.equal(printed.match(/@firewall-sources return/g)?.length, 24 + 120);
  nft(["-f", "-"], `flush ruleset\n${printed}`);
  assert.equal(nft(["-s", "list", "ruleset"]), printed);
  assert.equal(differing(process, kernel), 0);
});

Deno.test("Services change their ranges and share chains, at once and in steps: the kernel has what was committed", () => {
  const lengths = fc.constantFrom([24], [32, 24], [24, 16], [9, 10, 11, 12, 13], [32]);
  const change = fc.record({
    index: fc.constantFrom(1, 2, 3),
    steps: fc.nat(3),
    family: fc.constantFrom(...FAMILIES),
    // Each counts as 32 elements at two ports: 40 make a large Service.
    count: fc.constantFrom(0, 1, 5, 40, 100),
    lengths,
  });
  using kernel = new NetlinkKernel();
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 25 }), (changes) => {
      using process = new EngineProcess(kernel, memoryStorage(), { first: [CONFIG] });
      process.list();
      for (const { index, family, count, lengths, steps } of changes) {
        const one = web(index, family, ranges(family, count, lengths));
        process.commit([count === 0 ? vanishes(one) : appears(one)]);
        for (let i = 0; i < steps; i++) commitBatch(process.engine, process.ports, true);
        assert.equal(differing(process, kernel), 0);
      }
      settle(process);
      assert.equal(differing(process, kernel), 0);
      assert.deepEqual(process.warnings, []);
      nft(["-f", "-"], "delete table ip ledgerproxy; delete table ip6 ledgerproxy");
    }),
    { numRuns: 8 },
  );
});
