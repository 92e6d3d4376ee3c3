// Indexes of endpoints: a fold with them is held equal to one without, record by record, in everything that anything reads of a
// state; and what a change of a large Service reads is counted.

import assert from "node:assert/strict";
import fc from "fast-check";
import { type ClusterState, emptyState } from "../../src/fold/cluster_state.ts";
import { EndpointIndexes } from "../../src/fold/endpoint_indexes.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import type { ServiceIndex } from "../../src/fold/service_index.ts";
import { restoredState, type SnapshotLine, snapshotLines, snapshotState } from "../../src/fold/snapshot.ts";
import { isUnfinished } from "../../src/fold/unfinished.ts";
import { WEIGHT_ANNOTATION } from "../../src/fold/weights.ts";
import type { ServiceBounds } from "../../src/kube/bounds.ts";
import { DEFAULT_PROXY_CONFIG } from "../../src/kube/proxy_config.ts";
import type { EndpointSlice, Node, Service, SliceEndpoint } from "../../src/kube/objects.ts";
import { readServiceName } from "../../src/kube/service_name.ts";
import type { CommitRecord, LedgerRecord, Offset } from "../../src/ledger/record.ts";
import { SLOT_CLASS_MAX } from "../../src/limits/rules.ts";
import { appears, service, vanishes } from "../support/cluster_notation.ts";

/** No Service has an index. */
class NoIndexes extends EndpointIndexes {
  override of(): ServiceIndex | undefined {
    return undefined;
  }
}

const config = (bounds?: ServiceBounds): LedgerRecord => ({
  kind: "config",
  time: "",
  version: "0",
  nodeName: "node-a",
  proxy: DEFAULT_PROXY_CONFIG,
  ...(bounds === undefined ? {} : { bounds }),
});

/** A commit that was applied; `advances` makes a step of large Services. */
const commit = (through: number): CommitRecord => ({
  kind: "commit",
  time: "",
  from: 0,
  through,
  digest: "",
  outcome: "committed",
  advances: true,
  changes: [],
  changesOmitted: 0,
  operations: 0,
  microseconds: 0,
  generation: 0,
});

type Hints = NonNullable<SliceEndpoint["hints"]>;
const ZONES: readonly Hints[] = ["zone-a", "zone-a", "zone-b"].map((name) => ({ forZones: [{ name }] }));
const NODES: readonly Hints[] = ["node-a", "node-a", "node-b"].map((name) => ({ forNodes: [{ name }] }));

/** Endpoints of a history: hints count only where all have them. */
const endpointWith = (hints: readonly Hints[]): fc.Arbitrary<SliceEndpoint> =>
  fc.record({
    addresses: fc.oneof(
      { weight: 20, arbitrary: fc.nat({ max: 29 }).map((i) => `10.244.0.${i}`) },
      { weight: 1, arbitrary: fc.constantFrom("fd00::1", "fd00::2", "010.244.0.1", "none") },
    ).map((address) => [address]),
    nodeName: fc.constantFrom("node-a", "node-b", "node-b", "node-c"),
    conditions: fc.constantFrom(
      ...[{ ready: true }, { ready: true }, { ready: true }, { ready: false }, {}],
      ...[{ ready: false, serving: true, terminating: true }, { ready: false, serving: false }],
    ),
    hints: fc.constantFrom(...hints),
  });

const sliceEvent = (endpoint: fc.Arbitrary<SliceEndpoint>): fc.Arbitrary<LedgerRecord> =>
  fc.record({
    name: fc.constantFrom("a", "b", "c", "d"),
    owner: fc.constantFrom("web", "web", "web", "other"),
    endpoints: fc.array(endpoint, { maxLength: 9 }),
    ports: fc.constantFrom(
      ...[[["http", 8080], ["dns", 53]], [["http", 8080], ["dns", 53]], [["http", 8081], ["dns", 53]]],
      ...[[["http", 8080], ["http", 8080]], [["dns", 53], ["http", 8080], ["http", 8081]]],
    ) as fc.Arbitrary<[string, number][]>,
    weight: fc.oneof(
      { weight: 14, arbitrary: fc.constant(undefined) },
      { weight: 2, arbitrary: fc.constantFrom("0", "1", "2", "64") },
    ),
    family: fc.constantFrom("IPv4", "IPv4", "IPv4", "IPv4", "IPv6"),
    there: fc.integer({ min: 0, max: 7 }),
  }).map(({ name, owner, endpoints, ports, weight, family, there }) => {
    const slice: EndpointSlice = {
      kind: "EndpointSlice",
      metadata: {
        namespace: "shop",
        name,
        labels: { "kubernetes.io/service-name": owner },
        ...(weight === undefined ? {} : { annotations: { [WEIGHT_ANNOTATION]: weight } }),
      },
      addressType: family,
      endpoints,
      ports: ports.map(([name, port]) => ({ name, port, protocol: name === "dns" ? "UDP" : "TCP" })),
    };
    return there > 0 ? appears(slice) : vanishes(slice);
  });

const spec = fc.constantFrom<Partial<Service["spec"]>>(
  ...[{}, {}, { sessionAffinity: "ClientIP" }, { internalTrafficPolicy: "Local" }],
  { externalIPs: ["198.51.100.1"], externalTrafficPolicy: "Local" },
  { externalIPs: ["198.51.100.1"], externalTrafficPolicy: "Local", sessionAffinity: "ClientIP" },
  { externalIPs: ["198.51.100.1"], internalTrafficPolicy: "Local", sessionAffinity: "ClientIP" },
);

const serviceEvent: fc.Arbitrary<LedgerRecord> = fc.record({
  name: fc.constantFrom("shop/web 10.96.0.1,fd00:96::1", "shop/other 10.96.0.2"),
  spec,
  ports: fc.constantFrom("http:80/tcp dns:53/udp", "http:80/tcp dns:53/udp", "http:80/tcp"),
  there: fc.integer({ min: 0, max: 15 }),
}).map(({ name, spec, ports, there }) => {
  const one = service(`${name} ${ports}`, "2026-01-01T00:00:00Z", spec);
  return there > 0 ? appears(one) : vanishes(one);
});

const nodeEvent: fc.Arbitrary<LedgerRecord> = fc.constantFrom("zone-a", "zone-b", "").map((zone) => {
  const node: Node = {
    kind: "Node",
    metadata: { name: "node-a", labels: zone === "" ? {} : { "topology.kubernetes.io/zone": zone } },
    spec: {},
    status: { addresses: [{ type: "InternalIP", address: "192.0.2.1" }] },
  };
  return appears(node);
});

/** That one endpoint of the last slice changes. */
interface SmallChange {
  readonly at: number;
  readonly endpoint: SliceEndpoint;
  readonly removes: boolean;
}

type Step = LedgerRecord | "commit" | "restart" | SmallChange;

const WEB = "shop/web 10.96.0.1,fd00:96::1 http:80/tcp dns:53/udp";

const history: fc.Arbitrary<Step[]> = fc.constantFrom<readonly Hints[]>([{}], ZONES, NODES, [{}, ...ZONES], [
  {},
  ...NODES,
])
  .chain((hints) => {
    const endpoint = endpointWith(hints);
    const slice = sliceEvent(endpoint);
    // A change of one endpoint is what nearly all events are.
    const change = fc.record({ at: fc.nat({ max: 8 }), endpoint, removes: fc.boolean() });
    const steps = fc.array(
      fc.oneof(
        { weight: 6, arbitrary: slice },
        { weight: 24, arbitrary: change },
        { weight: 1, arbitrary: serviceEvent },
        { weight: 1, arbitrary: nodeEvent },
        { weight: 5, arbitrary: fc.constant<Step>("commit") },
        { weight: 1, arbitrary: fc.constant<Step>("restart") },
      ),
      { minLength: 10, maxLength: 40 },
    );
    return fc.tuple(fc.array(slice, { maxLength: 4 }), spec, nodeEvent, steps);
  })
  .map(([slices, spec, node, steps]) => [node, ...slices, appears(service(WEB, undefined, spec)), ...steps]);

/** The last slice of a history, with one endpoint changed. */
function changed(slice: EndpointSlice, { at, endpoint, removes }: SmallChange): EndpointSlice {
  // As read from the wire: no part is shared with the version before.
  const endpoints = structuredClone(slice.endpoints) as SliceEndpoint[];
  endpoints.splice(Math.min(at, endpoints.length), 1, ...(removes ? [] : [endpoint]));
  return { ...structuredClone(slice), endpoints };
}

/** What a state is, in the order in which it keeps it: steps follow the order of resources. */
function described(state: ClusterState): unknown {
  return {
    desired: [...state.desired].map(([path, elements]) => [path, new Map(elements)]),
    causes: [...state.causes].map(([path, causes]) => [path, new Map(causes)]),
    programs: [...state.programs].map((
      [name, { resources, slots, udp, omitted, withoutLocal, healthCheck }],
    ) => [
      name,
      resources.all.map(({ claim }) => claim),
      [...slots],
      [...udp],
      [...omitted],
      withoutLocal,
      healthCheck,
    ]),
    unfinished: [...state.unfinished.keys()],
    waiting: [state.unsettled, state.postponed, state.changed, state.making?.name],
    aside: [...state.aside],
  };
}

const SMALL_STEPS: ServiceBounds = {
  most: 1000,
  large: 8,
  step: 12,
  burst: { small: 4, most: 20 },
  takesTurns: true,
  roundsTimeouts: true,
};

/** Folds `steps` with and without indexes, and compares after each. */
function compare(steps: readonly Step[], bounds: ServiceBounds | undefined, most: number): void {
  let states = [new EndpointIndexes(1, most), new NoIndexes()].map((indexes): ClusterState => ({
    ...emptyState(),
    indexes,
  }));
  let offset = 0;
  let last: EndpointSlice | undefined;
  const take = (record: LedgerRecord) => {
    const made = states.map((state) => foldRecord(state, offset as Offset, record));
    offset++;
    assert.deepEqual(described(states[0]!), described(states[1]!));
    assert.deepEqual(made[0], made[1]);
    if (record.kind === "event" && record.value?.kind === "EndpointSlice") last = record.value;
  };
  take(config(bounds));
  for (const step of steps) {
    if (step === "commit") take(commit(offset - 1));
    else if (step === "restart") {
      if (isUnfinished(states[0]!)) continue;
      states = states.map((state) => {
        const lines = [...snapshotLines(snapshotState(state))];
        const restored = restoredState(JSON.parse(JSON.stringify(lines)) as SnapshotLine[]);
        return { ...restored, indexes: state.indexes };
      });
    } else if ("at" in step) {
      if (last !== undefined) take(appears(changed(last, step)));
    } else take(step);
  }
}

Deno.test("a fold with indexes of endpoints gives what a fold without them gives, after every record", () => {
  fc.assert(fc.property(history, (steps) => compare(steps, undefined, 1000)));
});

Deno.test("so it does where rules are made in steps, and where there is room for few indexes", () => {
  fc.assert(fc.property(history, fc.integer({ min: 1, max: 40 }), (steps, most) => {
    compare(steps, SMALL_STEPS, most);
  }));
});

const many = (from: number, count: number): SliceEndpoint[] =>
  Array.from({ length: count }, (_, i) => ({
    addresses: [`10.${100 + ((from + i) >> 16)}.${((from + i) >> 8) & 255}.${(from + i) & 255}`],
  }));

const manySlice = (name: string, endpoints: SliceEndpoint[]): EndpointSlice => ({
  kind: "EndpointSlice",
  metadata: { namespace: "shop", name, labels: { "kubernetes.io/service-name": "web" } },
  addressType: "IPv4",
  endpoints,
  ports: [{ name: "http", port: 8080, protocol: "TCP" }],
});

Deno.test("so it does where a Service has more endpoints than there are slots, whichever of them change", () => {
  for (const spec of [{}, { sessionAffinity: "ClientIP" }] as const) {
    const slices = Array.from({ length: 5 }, (_, i) => manySlice(`s${i}`, many(1000 * i, 1000)));
    const random = fc.sample(fc.nat({ max: 999 }), { numRuns: 12, seed: 7 });
    const steps: Step[] = random.flatMap((at, i) => {
      const slice = slices[i % 5]!;
      const endpoints = i % 3 === 0 ? slice.endpoints.toSpliced(at, 1) : [...slice.endpoints];
      if (i % 3 === 1) endpoints[at] = many(9000 + i, 1)[0]!;
      // Down to less than all slots, and up again.
      if (i % 4 === 2) endpoints.splice(0, 950);
      if (i % 4 === 3) endpoints.push(...many(9100 + 1000 * i, 900));
      return [appears(slices[i % 5] = manySlice(`s${i % 5}`, endpoints))];
    });
    const web = appears(service("shop/web 10.96.0.1 http:80/tcp", undefined, spec));
    compare([...slices.map((slice) => appears(slice)), web, ...steps], undefined, 100_000);
    assert.ok(slices.some(({ endpoints }) => endpoints.length < SLOT_CLASS_MAX));
  }
});

Deno.test("a change of one endpoint of a Service with 4,000 reads the slice that changed, and no other", () => {
  for (const spec of [{}, { sessionAffinity: "ClientIP" }, { internalTrafficPolicy: "Local" }] as const) {
    let read = 0;
    const counted = (endpoints: SliceEndpoint[]) =>
      endpoints.map((one): SliceEndpoint => ({
        get addresses() {
          read++;
          return one.addresses;
        },
      }));
    const slices = Array.from({ length: 40 }, (_, i) => manySlice(`s${i}`, counted(many(100 * i, 100))));
    const state = emptyState();
    const web = service("shop/web 10.96.0.1 http:80/tcp", undefined, spec);
    [config(), ...[...slices, web].map(appears)].forEach((record, i) =>
      foldRecord(state, i as Offset, record)
    );
    const change = (generation: number) => {
      const endpoints = counted([...many(9000 + generation, 1), ...many(2001, 99)]);
      foldRecord(state, 50 + generation as Offset, appears(manySlice("s20", endpoints)));
    };
    // The first change makes the index.
    change(1);
    read = 0;
    for (let generation = 2; generation < 12; generation++) change(generation);
    assert.ok(read <= 10 * 3 * 100, `${read} times an endpoint was read for 10 changes`);
  }
});

Deno.test("an index counts the ports that its Service has now, whatever its program so far has", () => {
  const [one, two] = ["http:80/tcp", "http:80/tcp other:81/tcp"].map((ports) =>
    service(`shop/web 10.96.0.1 ${ports}`)
  ) as [Service, Service];
  const state = emptyState();
  const slices = [manySlice("s0", many(0, 60))];
  [config(), appears(slices[0]!), appears(one)].forEach((record, i) =>
    foldRecord(state, i as Offset, record)
  );
  const name = readServiceName("shop/web");
  const input = { slices, previous: state.programs.get(name)!, node: state.node };
  const indexes = new EndpointIndexes(1, 100);
  assert.ok(indexes.of(name, { ...input, service: one }) !== undefined);
  assert.equal(indexes.of(name, { ...input, service: two }), undefined);
});
