// Choice by client: which endpoint each client meets, evenly and by weight, and which share of the clients a change moves. The chains
// are traced, so these are the rules that the kernel gets; tests/kernel/client_choice_test.ts sends packets.

import assert from "node:assert/strict";
import { choiceOf, choiceResources, endpointOfClient } from "../../src/fold/choice_chains.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { type ClusterState, emptyState } from "../../src/fold/cluster_state.ts";
import { CONTAINERS, PATHS } from "../../src/fold/skeleton.ts";
import { assignSlots, NO_SLOTS, type Slots } from "../../src/fold/slots.ts";
import { isUnfinished } from "../../src/fold/unfinished.ts";
import { policiesOf, servicesOfState } from "../../src/history/services.ts";
import { trace } from "../../src/history/trace.ts";
import { FakeKernel } from "../../src/kernel/fake_kernel.ts";
import type { KubeObject, Service } from "../../src/kube/objects.ts";
import { readServiceName } from "../../src/kube/service_name.ts";
import { servicePorts } from "../../src/kube/service_port.ts";
import type { CommitRecord, LedgerRecord, Offset } from "../../src/ledger/record.ts";
import { type Address, canonicalAddress } from "../../src/nft/data_type.ts";
import type { ElementKey, SetPath } from "../../src/nft/ruleset.ts";
import { createTable } from "../../src/nft/transaction.ts";
import { applyDelta, type MutableElements } from "../../src/plan/delta.ts";
import { elementOperations, isRetired, plan } from "../../src/plan/plan.ts";
import { appears, lines, service, slice, vanishes } from "../support/cluster_notation.ts";
import { folded } from "../support/folded.ts";

const CONFIG = { kind: "config", time: "", version: "0", nodeName: "node-a" } as const;
const NODE: KubeObject = {
  kind: "Node",
  metadata: { name: "node-a" },
  spec: {},
  status: {
    addresses: ["192.168.10.10", "fd00:192::10"].map((address) => ({ type: "InternalIP", address })),
  },
};

/** A Service that chooses by client, at every kind of frontend. */
function byClient(spec: Partial<Service["spec"]> = {}): Service {
  const one = service("shop/web 10.96.0.1,fd00:96::1 http:80/tcp", undefined, {
    type: "NodePort",
    externalIPs: ["203.0.113.1"],
    ...spec,
  });
  const ports = [{ name: "http", port: 80, protocol: "TCP", nodePort: 30080 }];
  const annotations = { "ledgerproxy.io/choice": "client" };
  return { ...one, metadata: { ...one.metadata, annotations }, spec: { ...one.spec, ports } };
}

const pods = (count: number, from = 1) =>
  Array.from({ length: count }, (_, i) => `10.244.${(i + from) >> 8}.${(i + from) & 255}`);
const podsAt = (addresses: readonly string[], name = "shop/web-a") =>
  slice(`${name} http:8080/tcp ${addresses.join(" ")}`);
const client = (i: number) => canonicalAddress(`172.${16 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`);

/** The endpoint that a client gets at `destination`; it must be certain. */
function metBy(state: ClusterState, source: Address, destination = "10.96.0.1", port = 80): string {
  const packet = { source, destination: canonicalAddress(destination), protocol: "tcp", port } as const;
  const { outcomes } = trace({ tables: state.tables, elements: state.desired }, packet, state.node.addresses);
  assert.deepEqual(outcomes.map(({ kind, probability }) => [kind, probability]), [["deliver", 1]]);
  return outcomes[0]!.destination;
}

/** The slots of a Service after its lists of endpoints were `lists`, one after the other. */
function slotsAfter(...lists: (readonly string[])[]): Slots {
  return lists.reduce((slots, list) => assignSlots(slots, [...list].sort()), NO_SLOTS);
}

/** A commit of everything before it, with a step after it. */
const stepAt = (offset: number): CommitRecord => ({
  ...{ kind: "commit", time: "", from: 0, through: offset - 1, digest: "", outcome: "committed" },
  ...{ changes: [], changesOmitted: 0, operations: 0, microseconds: 0, generation: 0, advances: true },
});

const CLIENTS = Array.from({ length: 10_000 }, (_, i) => client(i));
const chosen = (slots: Slots) => CLIENTS.map((source) => endpointOfClient(slots, "ip", source));

/** How many of the clients meet another endpoint under `after`. */
function moved(before: Slots, after: Slots): number {
  const now = chosen(after);
  return chosen(before).filter((endpoint, i) => endpoint !== now[i]).length;
}

/** Whether `count` of the clients is `share` of them: within six standard deviations. */
function isShare(count: number, share: number): boolean {
  return Math.abs(count - share * CLIENTS.length) <= 6 * Math.sqrt(share * (1 - share) * CLIENTS.length);
}

Deno.test("the rules lead a client to the endpoint that endpointOfClient names, with certainty, at each kind of frontend", () => {
  for (const count of [1, 2, 3, 4, 5, 8, 9, 100]) {
    const list = pods(count);
    const state = folded(CONFIG, appears(NODE), appears(byClient()), appears(podsAt(list)));
    const slots = slotsAfter(list.map((pod) => `${pod} . 8080`));
    for (let i = 0; i < 60; i++) {
      const expected = endpointOfClient(slots, "ip", client(i)).split(" ")[0]!;
      assert.equal(metBy(state, client(i)), expected);
      assert.equal(metBy(state, client(i), "203.0.113.1"), expected);
      assert.equal(metBy(state, client(i), "192.168.10.10", 30080), expected);
    }
  }
});

Deno.test("IPv6 clients are chosen for too, and Local policies choose among the local endpoints", () => {
  const six = slice(`shop/web-b http:8080/tcp ${pods(3).map((_, i) => `fd00:244::${i + 1}`).join(" ")}`);
  const local = pods(3).map((pod) => `${pod}@node-a`);
  const policies = { externalTrafficPolicy: "Local", internalTrafficPolicy: "Local" } as const;
  const state = folded(
    ...[CONFIG, appears(NODE), appears(byClient(policies)), appears(six)],
    appears(podsAt([...local, ...pods(5, 100)])),
  );
  const withoutPolicy = folded(CONFIG, appears(NODE), appears(byClient()), appears(six));
  const met = new Set<string>();
  for (let i = 0; i < 60; i++) {
    const source = canonicalAddress(`2001:db8::${i + 1}`);
    met.add(metBy(withoutPolicy, source, "fd00:96::1"));
    for (const [to, port] of [["10.96.0.1", 80], ["203.0.113.1", 80], ["192.168.10.10", 30080]] as const) {
      const slots = slotsAfter(pods(3).map((pod) => `${pod} . 8080`));
      const expected = endpointOfClient(slots, "ip", client(i)).split(" ")[0]!;
      assert.equal(metBy(state, client(i), to, port), expected);
    }
  }
  assert.deepEqual([...met].sort(), ["fd00:244::1", "fd00:244::2", "fd00:244::3"]);
});

Deno.test("each endpoint has its share of the clients, and with weights its weight's", () => {
  for (const count of [2, 3, 5, 6, 7, 9, 33]) {
    const list = pods(count);
    const seen = Map.groupBy(chosen(slotsAfter(list)), (endpoint) => endpoint);
    for (const pod of list) assert.ok(isShare(seen.get(pod)?.length ?? 0, 1 / count), `${pod} of ${count}`);
  }
  const weighted = ["a", "b", "b", "c", "c", "c"];
  const seen = Map.groupBy(chosen(slotsAfter(weighted)), (endpoint) => endpoint);
  assert.ok(isShare(seen.get("a")!.length, 1 / 6) && isShare(seen.get("c")!.length, 1 / 2));
});

Deno.test("an endpoint that is added takes its share and no client moves otherwise, also where the class grows", () => {
  for (const count of [1, 2, 3, 4, 5, 7, 8, 9, 16, 31, 32, 64]) {
    const [before, after] = [slotsAfter(pods(count)), slotsAfter(pods(count), pods(count + 1))];
    const added = pods(count + 1).at(-1)!;
    const now = chosen(after);
    chosen(before).forEach((endpoint, i) => assert.ok(now[i] === endpoint || now[i] === added));
    const share = moved(before, after);
    assert.ok(isShare(share, 1 / (count + 1)), `${share} at ${count}`);
    console.log(
      `${count} endpoints and one more: ${(share / CLIENTS.length * 100).toFixed(1)} % of the clients move`,
    );
  }
});

Deno.test("a replaced endpoint moves its own clients alone; one that goes moves those of the last slot too", () => {
  for (const count of [2, 3, 4, 5, 8, 9, 17, 33]) {
    const list = pods(count);
    const before = slotsAfter(list);
    const replaced = slotsAfter(list, [...list.slice(1), "10.244.9.9"]);
    const now = chosen(replaced);
    chosen(before).forEach((endpoint, i) =>
      assert.equal(now[i], endpoint === list[0] ? "10.244.9.9" : endpoint)
    );
    // Those of the last slot are chosen for again, and one in N - 1 of them meets the endpoint that it had.
    const gone = moved(before, slotsAfter(list, list.slice(1)));
    const share = count === 2 ? 1 / 2 : 2 / count - 1 / (count * (count - 1));
    assert.ok(isShare(gone, share), `${gone} of ${count}`);
  }
});

Deno.test("the chains come with the first Service that chooses by client and go with the last", () => {
  const objects = [CONFIG, appears(NODE), appears(podsAt(pods(3)))] as const;
  const random = { ...byClient(), metadata: service("shop/web 10.96.0.1 http:80/tcp").metadata };
  const without = folded(...objects, appears(random));
  const state = folded(...objects, appears(byClient()));
  const chains = (one: ClusterState) => lines(one.desired).filter((line) => line.includes("by-client"));
  assert.deepEqual(chains(without), []);
  assert.equal(chains(state).filter((line) => line.includes("(chains)")).length, 4);
  const one = byClient();
  const other = {
    ...one,
    metadata: { ...one.metadata, name: "api" },
    spec: {
      ...one.spec,
      clusterIP: "10.96.0.2",
      clusterIPs: ["10.96.0.2"],
      externalIPs: [],
      ports: [{ name: "http", port: 80, protocol: "TCP" }],
    },
  };
  const before = chains(state).filter((line) => line.includes("(chains)"));
  foldRecord(state, 7 as Offset, appears(other));
  foldRecord(state, 8 as Offset, appears(podsAt(pods(3, 50), "shop/api-a")));
  assert.deepEqual(chains(state).filter((line) => line.includes("(chains)")), before, "they share them");
  assert.equal(state.contested.size, 0);
  foldRecord(state, 9 as Offset, appears(random));
  const met = metBy(state, client(1), "10.96.0.2");
  assert.ok(pods(3, 50).includes(met), met);
  foldRecord(state, 10 as Offset, vanishes(other));
  foldRecord(state, 11 as Offset, vanishes(podsAt(pods(3, 50), "shop/api-a")));
  assert.deepEqual(lines(state.desired), lines(without.desired));
  assert.deepEqual(choiceResources("ip", choiceOf("address", "cluster", NO_SLOTS)), []);
  assert.deepEqual(choiceResources("ip", undefined), []);
});

Deno.test("affinity comes first, which a remark says, and services names the choice", () => {
  const pinned = folded(CONFIG, appears(NODE), appears(byClient({ sessionAffinity: "ClientIP" })));
  assert.match(
    String(pinned.leftOut.get(readServiceName("shop/web"))),
    /choice has no effect beside sessionAffinity ClientIP/,
  );
  const plain = service("shop/web 10.96.0.1,fd00:96::1 http:80/tcp", undefined, byClient().spec);
  const same = { ...plain, spec: { ...plain.spec, sessionAffinity: "ClientIP" } } as Service;
  assert.deepEqual(lines(pinned.desired), lines(folded(CONFIG, appears(NODE), appears(same)).desired));
  const state = folded(CONFIG, appears(NODE), appears(byClient()));
  assert.equal(state.leftOut.size, 0);
  assert.deepEqual(servicesOfState(state)[0]!.policies, ["choice by client"]);
  assert.deepEqual(policiesOf(servicePorts(plain)[0]!), []);
});

Deno.test("where rules come in steps, each step leaves rules that a kernel takes, and a client that had an endpoint has one", () => {
  for (const step of [1, 2, 4]) {
    const kernel = new FakeKernel();
    const committed: MutableElements = new Map();
    const state = emptyState();
    let offset = 0;
    let emptied: (readonly [SetPath, ElementKey])[] = [];
    const fold = (record: LedgerRecord) => {
      const changes = foldRecord(state, offset as Offset, record);
      const touched = new Map([...changes.touched].map(([path, keys]) => [path, new Map(keys)]));
      for (const [path, key] of emptied) touched.set(path, (touched.get(path) ?? new Map()).set(key, offset));
      offset++;
      const delta = plan(committed, state.desired, touched);
      if (offset === 1) kernel.commit(state.tables.flatMap(createTable));
      kernel.commit(elementOperations(delta, CONTAINERS));
      applyDelta(committed, delta);
      emptied = delta.filter(({ set, after }) => isRetired(set, after)).map(({ set, key }) => [set, key]);
    };
    fold({ ...CONFIG, bounds: { most: 1000, large: 0, step } });
    fold(appears(NODE));
    fold(appears(byClient()));
    for (const count of [1, 3, 5, 9, 2, 40, 0]) {
      const served = count > 0 && committed.get(PATHS.ip["service-nodeports"])?.size === 1;
      fold(appears(podsAt(pods(count))));
      while (isUnfinished(state)) {
        fold(stepAt(offset));
        if (served) { for (let i = 0; i < 8; i++) metBy(state, client(i), "192.168.10.10", 30080); }
      }
    }
  }
});
