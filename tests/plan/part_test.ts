// A part of a delta: whole frontends, the smallest Services first, and nothing lost between the parts.

import assert from "node:assert/strict";
import { CONTAINERS, PATHS } from "../../src/fold/skeleton.ts";
import { trace } from "../../src/history/trace.ts";
import { FakeKernel } from "../../src/kernel/fake_kernel.ts";
import { canonicalAddress } from "../../src/nft/data_type.ts";
import { elementKey } from "../../src/nft/ruleset.ts";
import { createTable } from "../../src/nft/transaction.ts";
import {
  applyDelta,
  type Delta,
  diff,
  type ElementChange,
  type MutableElements,
} from "../../src/plan/delta.ts";
import { partOf } from "../../src/plan/part.ts";
import { elementOperations, plan } from "../../src/plan/plan.ts";
import { arbitraryHistory } from "../support/arbitrary_history.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";
import { folded } from "../support/folded.ts";
import fc from "fast-check";

const { "service-ips": IPS, endpoints: ENDPOINTS } = PATHS.ip;

/** The changes that add a frontend of `service` at `address` with so many slots. */
function frontend(service: string, address: string, slots: number): ElementChange[] {
  const [key, comment] = [elementKey([address, "tcp", "80"]), `${service}:http`];
  const add = (set: ElementChange["set"], key: ElementChange["key"], value: string) => ({
    ...{ set, key, before: undefined, after: { key, value, comment } },
  });
  return [
    ...Array.from(
      { length: slots },
      (_, i) => add(ENDPOINTS, elementKey([address, "tcp", "80", String(i)]), `10.244.0.${i + 1} . 80`),
    ),
    add(IPS, key, "goto pick-1"),
  ];
}

const services = (
  { delta }: { readonly delta: Delta },
) => [...new Set(delta.map(({ after }) => after!.comment!.split(":")[0]))];

Deno.test("the smallest Services come first, with as many frontends as fit", () => {
  const delta = [
    ...frontend("a/big", "10.96.0.1", 30),
    ...frontend("b/small", "10.96.0.2", 2),
    ...frontend("c/small", "10.96.0.3", 2),
  ];
  const first = partOf(delta, 7);
  assert.deepEqual([services(first), first.delta.length, first.left], [["b/small", "c/small"], 6, 31]);
  assert.equal(first.alone, undefined);
});

Deno.test("a frontend is never cut: one that does not fit comes alone, and is known as its Service's", () => {
  const delta = [...frontend("a/big", "10.96.0.1", 30), ...frontend("a/big", "10.96.0.2", 30)];
  const part = partOf(delta, 5);
  assert.deepEqual([part.delta.length, part.left, part.alone], [31, 31, "a/big"]);
});

Deno.test("the parts of any change together are the change", () => {
  fc.assert(fc.property(arbitraryHistory, fc.integer({ min: 1, max: 12 }), (records, most) => {
    const config = { kind: "config", time: "", version: "0", nodeName: "node-a" } as const;
    const whole = diff(new Map(), folded(config, ...records).desired);
    const places = (delta: Delta) => delta.map(({ set, key }) => `${set} ${key}`);
    let left = whole;
    const parts: string[] = [];
    while (left.length > 0) {
      const part = partOf(left, most);
      assert.equal(part.left, left.length - part.delta.length);
      const taken = new Set(places(part.delta));
      parts.push(...taken);
      left = left.filter(({ set, key }) => !taken.has(`${set} ${key}`));
    }
    assert.deepEqual(parts.sort(), places(whole).sort());
  }));
});

Deno.test("chains come before the frontends that lead to them, with the elements that lead there, and go after them", () => {
  const config = { kind: "config", time: "", version: "0", nodeName: "node-a" } as const;
  const web = service("shop/web 10.96.0.1 http:80/tcp");
  const annotations = { "ledgerproxy.io/choice": "client" };
  const byClient = appears({ ...web, metadata: { ...web.metadata, annotations } });
  const others = Array.from(
    { length: 9 },
    (_, i) => appears(service(`shop/other-${i} 10.96.1.${i + 1} http:80/tcp`)),
  );
  const pods = (count: number) =>
    appears(
      slice(`shop/web-a http:8080/tcp ${
        Array.from({ length: count }, (_, i) => `10.244.0.${i + 1}@node-a`).join(" ")
      }`),
    );
  const states = [0, 3, 5, 1].map((count) => folded(config, ...others, byClient, pods(count)));
  for (const most of [1, 2, 3, 4, 6]) {
    const kernel = new FakeKernel();
    kernel.commit(states[0]!.tables.flatMap(createTable));
    const committed: MutableElements = new Map();
    for (const [i, { desired, tables, node }] of states.entries()) {
      const touched = new Map([...new Set([...committed.keys(), ...desired.keys()])].map((path) => [
        path,
        new Map(
          [...committed.get(path)?.keys() ?? [], ...desired.get(path)?.keys() ?? []].map((key) => [key, 0]),
        ),
      ]));
      for (let left = plan(committed, desired, touched); left.length > 0;) {
        const { delta } = partOf(left, most);
        kernel.commit(elementOperations(delta, CONTAINERS));
        applyDelta(committed, delta);
        left = plan(committed, desired, touched);
        if (i < 2) continue;
        const to = { destination: canonicalAddress("10.96.0.1"), protocol: "tcp", port: 80 } as const;
        for (const last of [1, 2, 3, 4, 5, 6, 7, 8]) {
          const packet = { ...to, source: canonicalAddress(`172.16.0.${last}`) };
          const { outcomes } = trace({ tables, elements: committed }, packet, node.addresses);
          assert.deepEqual(outcomes.map(({ kind }) => kind), ["deliver"]);
        }
      }
    }
  }
});
