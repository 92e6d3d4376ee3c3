// A packet that meets the rules while a commit is applied: the kernel shows each lookup the elements of the generation that is valid
// then, so the first lookups of the packet may see those before the commit, and the rest those after it. It must reach an endpoint
// all the same, and be masqueraded where it would be.

import assert from "node:assert/strict";
import { type Outcome, type Packet, trace } from "../../src/history/trace.ts";
import type { Elements } from "../../src/nft/ruleset.ts";
import type { Address } from "../../src/nft/data_type.ts";
import {
  configOf,
  decodeAll,
  manifestOf,
  nodeManifest,
  parseScenario,
} from "../support/scenario/scenario.ts";
import { stateOf } from "../support/scenario/expectation.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { appears } from "../support/cluster_notation.ts";
import { offsetOf } from "../../src/ledger/record.ts";

const NODE = ["192.168.0.2", "203.0.113.1"] as Address[];
const CONFIG = configOf({ "cluster-cidr": "10.244.0.0/16" });

const objects = (count: number, fields: string) =>
  decodeAll([
    nodeManifest(),
    ...parseScenario(`
service shop/web type=NodePort ips=10.96.0.10 ports=:80/tcp:30080 external-ips=198.51.100.10 ${fields}
slice shop/web-a ports=:8080/tcp ${
      Array.from({ length: count }, (_, i) => `10.244.1.${i + 1}@node-a`).join(" ")
    }`).objects.map(manifestOf),
  ]);

const packet = (source: string, destination: string, port = 80): Packet => ({
  source: source as Address,
  destination: destination as Address,
  protocol: "tcp",
  port,
});
const POD = "10.244.9.9";
const SOURCES = [POD, "203.0.113.2", "192.168.0.2"];
const PACKETS = SOURCES.flatMap((source) => [
  packet(source, "10.96.0.10"),
  packet(source, "198.51.100.10"),
  packet(source, "192.168.0.2", 30080),
]);

/** The elements that a walk sees: `before` until it has looked up `change` that differ, and `after` from there on. */
class Switching {
  differing = 0;

  constructor(readonly before: Elements, readonly after: Elements, readonly change: number) {}

  get elements(): Elements {
    const paths = [...new Set([...this.before.keys(), ...this.after.keys()])];
    return new Map(paths.map((path) => {
      const set = new Map(this.before.get(path));
      set.get = (key) => {
        const [old, now] = [this.before.get(path)?.get(key), this.after.get(path)?.get(key)];
        return old?.value === now?.value && (old === undefined) === (now === undefined) ||
            this.differing++ < this.change
          ? old
          : now;
      };
      return [path, set];
    }));
  }
}

/** A pod of the node gets its answers through the node, masqueraded or not. */
const words = ({ kind, masqueraded }: Outcome, { source }: Packet) =>
  `${kind}${masqueraded && source !== POD ? " masqueraded" : ""}`;

/** From few to many, from many to few, and to a much smaller slot class. */
const COUNTS = [[1, 2], [2, 1], [1, 3], [3, 1], [3, 2], [9, 2]] as const;

for (const fields of ["", "external=Local", "internal=Local"]) {
  Deno.test(`a packet reaches an endpoint at any moment of a commit (${fields || "Cluster policies"})`, () => {
    for (const [from, to] of COUNTS) {
      const state = stateOf(CONFIG, objects(from, fields));
      const { tables } = state;
      const before = new Map([...state.desired].map(([path, set]) => [path, new Map(set)]));
      for (const object of objects(to, fields)) {
        foldRecord(state, offsetOf(state.folded + 1), appears(object));
      }
      for (const one of PACKETS) {
        const seen = (
          elements: Elements,
        ) => [
          ...new Set(trace({ tables, elements }, one, NODE).outcomes.map((outcome) => words(outcome, one))),
        ];
        const expected = seen(before);
        for (let change = 0, differing = 0; change <= differing; change++) {
          const switching = new Switching(before, state.desired, change);
          const what = `${from} to ${to}: ${one.source} -> ${one.destination}, changed at ${change}`;
          assert.deepEqual(seen(switching.elements), expected, what);
          differing = switching.differing;
        }
      }
    }
  });
}
