// The law that this program is a kube-proxy: after every change of a random cluster, the tracer over the fold's rules and the model of
// kube-proxy come to the same ends of packets, and UDP flows that the model gives up are forgotten. A larger run:
// `RUNS=500 SEED=7 deno task test tests/property/kube_proxy_model_test.ts`.

import assert from "node:assert/strict";
import fc from "fast-check";
import { type ClusterState, emptyState } from "../../src/fold/cluster_state.ts";
import { type FoldChanges, noChanges } from "../../src/fold/fold_changes.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { frontendClaim } from "../../src/fold/resource.ts";
import { udpFrontends } from "../../src/fold/udp_frontends.ts";
import { type Packet, type Trace, trace } from "../../src/history/trace.ts";
import { describeKey, type KubeObject, objectKey } from "../../src/kube/objects.ts";
import type { ProxyConfig } from "../../src/kube/proxy_config.ts";
import { type LedgerRecord, offsetOf } from "../../src/ledger/record.ts";
import { type Address, FAMILIES, type Family } from "../../src/nft/data_type.ts";
import { elementKey } from "../../src/nft/ruleset.ts";
import { ADDRESSES, NODE_LINKS } from "../support/lab/lab.ts";
import { CONFIGS } from "../support/scenario/arbitrary_scenario.ts";
import { arbitraryChanges, WORLD_PACKETS, type WorldChange } from "../support/scenario/arbitrary_world.ts";
import { KubeProxyModel, type ModelHealthCheck } from "../support/scenario/kube_proxy_model.ts";
import { configOf, decodeAll, NODE_NAME, type Scenario } from "../support/scenario/scenario.ts";

const TIME = "2026-01-01T00:00:00.000Z";
const RUNS = Number(Deno.env.get("RUNS") ?? 25);
const SEED = Number(Deno.env.get("SEED") ?? Math.floor(Math.random() * 2 ** 31));
/** Of the packets one in so many is traced after each change, others after the next. */
const STRIDE = 23;

const SETTINGS: readonly Scenario["config"][] = [
  ...CONFIGS,
  { "interface-name-prefix": "veth-pod", "nodeport-addresses": "192.168.0.0/16" },
  { "cluster-cidr": "fd00:10:244::/48", "nodeport-addresses": "primary" },
];

/** Addresses of the node's interfaces. */
const OWN: Readonly<Record<Family, readonly Address[]>> = {
  ip: [...ADDRESSES.node.ip, NODE_LINKS.ip] as Address[],
  ip6: [...ADDRESSES.node.ip6, NODE_LINKS.ip6] as Address[],
};

/** The fold and the objects that the model reads, after the changes so far. */
class Compared {
  readonly state: ClusterState = emptyState();
  readonly objects = new Map<string, KubeObject>();
  #offset = 0;
  #turn: number;

  constructor(readonly config: ProxyConfig, phase: number) {
    this.#turn = phase;
    this.#fold({ kind: "config", time: TIME, version: "0", nodeName: NODE_NAME, proxy: config });
  }

  change({ manifest, deleted }: WorldChange): void {
    const [object] = decodeAll([manifest]) as [KubeObject];
    const key = objectKey(object);
    const before = FAMILIES.map((family) => this.#model(family).udpFrontends());
    if (deleted) this.objects.delete(describeKey(key));
    else this.objects.set(describeKey(key), object);
    const value = deleted ? null : object;
    const changes = this.#fold({ kind: "event", key, value, resourceVersion: "", time: TIME });
    FAMILIES.forEach((family, i) => {
      const model = this.#model(family);
      this.#compareFlows(family, changes, before[i]!, model.udpFrontends());
      this.#compareHealthChecks(family, model);
      this.#comparePackets(family, model);
    });
  }

  #fold(record: LedgerRecord): FoldChanges {
    return foldRecord(this.state, offsetOf(this.#offset++), record, noChanges());
  }

  #model(family: Family): KubeProxyModel {
    const { config } = this;
    return new KubeProxyModel(
      { objects: [...this.objects.values()], config, nodeName: NODE_NAME, own: OWN[family] },
      family,
    );
  }

  #comparePackets(family: Family, model: KubeProxyModel): void {
    const ruleset = { tables: this.state.tables, elements: this.state.desired };
    for (const packet of WORLD_PACKETS[family]) {
      if (this.#turn++ % STRIDE !== 0) continue;
      const traced = trace(ruleset, packet, OWN[family]);
      const ours = endsOf(traced);
      const ends = model.ends(packet);
      this.#comparePins(traced, model.pinSeconds(packet), packet);
      if (model.isChosen(packet) && ours.length === 1 && ends.includes(ours[0]!)) continue;
      assert.deepEqual(ours, ends, `${JSON.stringify(packet)}\n${this.#text()}`);
    }
  }

  /** Rules pin the client for the time that the Service says, rounded up by at most a twentieth; the others pin none. */
  #comparePins({ steps }: Trace, seconds: number, packet: Packet): void {
    const pins = steps.map(({ rule }) => PIN.exec(rule)?.[1]).filter((text) => text !== undefined);
    const said = `${JSON.stringify(packet)}: ${pins}, not ${seconds} s\n${this.#text()}`;
    assert.equal(pins.length > 0, seconds > 0, said);
    for (const text of pins) {
      const found = secondsOf(text);
      assert.ok(found >= seconds && found <= seconds * 1.05, said);
    }
  }

  /** A load balancer asks in one family, and its packets of that family are answered by the endpoints of that family. */
  #compareHealthChecks(family: Family, model: KubeProxyModel): void {
    const ours = new Map<string, ModelHealthCheck>();
    for (const [name, { port, localEndpoints }] of this.state.healthChecks) {
      const count = localEndpoints[family];
      if (count !== undefined) ours.set(name, { port, localEndpoints: count });
    }
    assert.deepEqual(ours, model.healthChecks(), `${family} health checks\n${this.#text()}`);
  }

  /** The engine keeps a flow of a stale frontend only where its endpoint is among those that serve now. */
  #compareFlows(
    family: Family,
    { staleFlows }: FoldChanges,
    before: ReadonlyMap<string, readonly string[]>,
    after: ReadonlyMap<string, readonly string[]>,
  ): void {
    const now = udpFrontends(this.state);
    const claimOf = (frontend: string) => frontendClaim(family, elementKey(frontend.split(" ")));
    for (const [frontend, serving] of after) {
      assert.deepEqual(now.get(claimOf(frontend))?.serving, serving, `${frontend}\n${this.#text()}`);
    }
    for (const frontend of new Set([...before.keys(), ...after.keys()])) {
      const [was, is] = [before.get(frontend) ?? [], after.get(frontend) ?? []];
      const isGivenUp = was.some((one) => !is.includes(one)) || (was.length === 0 && is.length > 0);
      if (isGivenUp) assert.ok(staleFlows.has(claimOf(frontend)), `${frontend}\n${this.#text()}`);
    }
  }

  #text(): string {
    return [JSON.stringify(this.config), ...[...this.objects.values()].map((one) => JSON.stringify(one))]
      .join("\n");
  }
}

const PIN = /update @affinity-pins \{[^}]* timeout (\w+) /;
const UNITS: Readonly<Record<string, number>> = { d: 86_400, h: 3600, m: 60, s: 1 };

/** A time as nft writes it: `1h30m`. */
function secondsOf(text: string): number {
  return [...text.matchAll(/(\d+)([dhms])/g)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * UNITS[unit!]!,
    0,
  );
}

function endsOf({ outcomes }: Trace): string[] {
  const ends = outcomes.map(({ kind, destination, port, masqueraded }) => {
    if (kind === "drop") return "drop";
    if (kind !== "deliver") return "refuse";
    return `deliver ${destination} ${port}${masqueraded ? " masqueraded" : ""}`;
  });
  return [...new Set(ends)].sort();
}

Deno.test(`after each change of random clusters packets go where kube-proxy sends them (seed ${SEED})`, () => {
  const history = fc.tuple(arbitraryChanges, fc.constantFrom(...SETTINGS), fc.nat(STRIDE));
  fc.assert(
    fc.property(history, ([changes, config, phase]) => {
      const compared = new Compared(configOf(config), phase);
      for (const change of changes) compared.change(change);
    }),
    { numRuns: RUNS, seed: SEED },
  );
});
