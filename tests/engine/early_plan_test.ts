// What is committed before the state is made is what the whole state would lead to. Where it could be anything else, nothing is.

import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { type EarlyInput, planEarly } from "../../src/engine/early_plan.ts";
import { type ClusterState, emptyState } from "../../src/fold/cluster_state.ts";
import { noChanges } from "../../src/fold/fold_changes.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { PATHS } from "../../src/fold/skeleton.ts";
import { restoredState, type SnapshotLine, snapshotLines } from "../../src/fold/snapshot.ts";
import { snapshotMisfit } from "../../src/fold/snapshot_shape.ts";
import { WEIGHT_ANNOTATION } from "../../src/fold/weights.ts";
import { isUnfinished } from "../../src/fold/unfinished.ts";
import { SERVICE_BOUNDS, type ServiceBounds } from "../../src/kube/bounds.ts";
import type { EndpointSlice, Service, WatchEvent } from "../../src/kube/objects.ts";
import { DEFAULT_PROXY_CONFIG } from "../../src/kube/proxy_config.ts";
import type { CommitRecord, ConfigRecord, LedgerRecord, Offset } from "../../src/ledger/record.ts";
import { SnapshotText } from "../../src/ledger/snapshot_text.ts";
import { EARLY_EVENTS_MAX, EARLY_SERVICES_MAX } from "../../src/limits/commits.ts";
import { copyOf } from "../../src/plan/delta.ts";
import { digestText, rulesetDigest } from "../../src/plan/digest.ts";
import { plan } from "../../src/plan/plan.ts";
import { arbitraryHistory } from "../support/arbitrary_history.ts";
import { appears, nodeIn, service, slice, vanishes } from "../support/cluster_notation.ts";
import { keyed } from "../support/keyed.ts";
import { linesOf, textOf } from "../support/ordered_lines.ts";

const TIME = "2026-01-01T00:00:00.000Z";
const ID = "00000000000000aa";
const NARROW: ServiceBounds = {
  ...{ most: 40, large: 12, step: 6, takesTurns: true, roundsTimeouts: true },
  ...{ burst: { small: 4, most: 12, first: 20 }, namespace: { large: 5, most: 20 }, node: { most: 30 } },
};
const configured = (bounds: ServiceBounds): ConfigRecord => ({
  ...{ kind: "config", time: TIME, version: "0", nodeName: "node-a", proxy: DEFAULT_PROXY_CONFIG, bounds },
});
const CONFIG = configured({ ...NARROW, burst: { small: 8, most: 12 }, namespace: { large: 12, most: 20 } });
const commit = (through: number, advances = false): CommitRecord => ({
  ...{ kind: "commit", time: TIME, from: 0, through, digest: "", outcome: "committed" },
  ...{ changes: [], changesOmitted: 0, operations: 0, microseconds: 0, generation: 0 },
  ...(advances ? { advances } : {}),
});

/** A ledger, its state, and what a start knows of it: a snapshot, and the records behind it. */
class Past {
  readonly state = emptyState();
  records: { offset: Offset; record: LedgerRecord }[] = [];
  lines = linesOf(this.state);
  /** The last record that was committed. */
  committed = -1;

  constructor(readonly config: ConfigRecord, ...records: readonly LedgerRecord[]) {
    this.append(config, ...records);
  }

  append(...records: readonly LedgerRecord[]): void {
    for (const record of records) {
      const offset = this.state.folded + 1 as Offset;
      foldRecord(this.state, offset, record);
      this.records.push({ offset, record });
    }
  }

  /** Commits all so far. */
  commit(advances = false): void {
    this.committed = this.state.folded;
    this.append(commit(this.committed, advances));
  }

  /** A snapshot, unless rules lag behind. */
  snapshot(): void {
    if (isUnfinished(this.state)) return;
    this.lines = linesOf(this.state);
    this.records = [];
  }

  known(changed: Partial<EarlyInput> = {}): EarlyInput {
    const { tables, desired } = this.state;
    const digest = digestText(rulesetDigest(tables, desired));
    const position = { ledger: ID, offset: this.committed, digest };
    return { lines: this.lines, records: this.records, position, config: this.config, ...changed };
  }

  early(events: readonly WatchEvent[], changed: Partial<EarlyInput> = {}) {
    const next = this.state.folded + 1;
    return planEarly(
      this.known(changed),
      { kind: "events", events, problems: [] },
      (i) => next + i as Offset,
    );
  }
}

/** What `events` change in the whole state. */
function changedBy(state: ClusterState, events: readonly LedgerRecord[]) {
  const before = copyOf(state.desired);
  const changes = noChanges();
  for (const event of events) foldRecord(state, state.folded + 1 as Offset, event, changes);
  const digest = digestText(rulesetDigest(state.tables, state.desired));
  return { delta: plan(before, state.desired, changes.touched), digest, through: state.folded };
}

const WEB = [
  service("shop/web 10.96.0.1 http:80/tcp"),
  slice("shop/web-a http:8080/tcp 10.244.1.1 10.244.1.2 10.244.1.3"),
];
const API = [service("shop/api 10.96.0.2 http:80/tcp"), slice("shop/api-a http:8080/tcp 10.244.1.9")];

const versioned = (object: Service | EndpointSlice, resourceVersion: string) =>
  appears({ ...object, metadata: { ...object.metadata, resourceVersion } });

/** Two Services that are committed, and a snapshot behind them. */
function twoServices(): Past {
  const past = new Past(CONFIG, ...[...API, ...WEB].map(appears), appears(nodeIn("node-a", "zone-a")));
  past.commit();
  past.snapshot();
  return past;
}
const HOSTS = Array.from({ length: 9 }, (_, i) => `10.244.3.${i}`).join(" ");
const MOVED = appears(slice("shop/web-a http:8080/tcp 10.244.1.1 10.244.1.7 10.244.1.3"));

/** Events of Services that mostly have nothing in common. Some share an external IP, an endpoint on the node, or are large. */
const OWNER = "kubernetes.io/service-name";
const NAMES = ["a/s0", "a/s1", "a/s2", "b/s3", "b/s4"] as const;
const serviceEvent = fc.tuple(
  fc.nat(NAMES.length - 1),
  fc.constantFrom({}, {}, {}, { externalIPs: ["198.51.100.1"] }, { sessionAffinity: "ClientIP" as const }),
  fc.constantFrom("http:80/tcp", "http:80/tcp dns:53/udp"),
  fc.nat(9),
).map(([i, spec, ports, chance]) =>
  (chance > 0 ? appears : vanishes)(service(`${NAMES[i]} 10.96.0.${i + 1} ${ports}`, TIME, spec))
);
const HEADLESS = "service.kubernetes.io/headless";
const sliceEvent = fc.tuple(
  fc.constantFrom(...NAMES),
  fc.constantFrom("x", "y"),
  fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { maxLength: 5 }),
  fc.record({
    gone: fc.nat(9),
    local: fc.nat(9),
    owner: fc.nat(20),
    headless: fc.nat(20),
    weight: fc.nat(9),
  }),
).map(([name, suffix, hosts, { gone, local, owner, headless, weight }]) => {
  const endpoints = hosts.map((host) => `10.244.0.${host}${local === 0 && host < 3 ? "@node-a" : ""}`);
  const one = slice(`${name}-${suffix} http:8080/tcp dns:53/udp ${endpoints.join(" ")}`);
  const labels = {
    [OWNER]: owner < 3 ? `s${owner}` : one.metadata.labels![OWNER]!,
    ...(headless === 0 ? { [HEADLESS]: "" } : {}),
  };
  const annotations = weight === 0 ? { [WEIGHT_ANNOTATION]: "2" } : {};
  const labelled = { ...one, metadata: { ...one.metadata, labels, annotations } };
  return (gone === 0 ? vanishes : appears)(labelled);
});
const ACTS = [
  "service",
  "slice",
  "slice",
  "slice",
  "any",
  "node",
  "commit",
  "commit",
  "step",
  "reject",
  "snapshot",
] as const;
const act = fc.constantFrom(...ACTS);

Deno.test("an early commit is that of the whole state, whatever came before and behind the snapshot", () => {
  let [planned, refused] = [0, 0];
  const few = fc.array(fc.tuple(act, serviceEvent, sliceEvent), { minLength: 10, maxLength: 60 });
  const bounds = fc.constantFrom(NARROW, CONFIG.bounds!, SERVICE_BOUNDS);
  const missing = fc.array(sliceEvent, { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(bounds, few, arbitraryHistory, missing, (bounds, acts, others, missed) => {
      const past = new Past(
        configured(bounds),
        ...NAMES.map((name, i) => appears(service(`${name} 10.96.0.${i + 1} http:80/tcp`, TIME))),
      );
      for (const [act, ofService, ofSlice] of acts) {
        if (act === "service") past.append(ofService);
        else if (act === "slice") past.append(ofSlice);
        else if (act === "any") past.append(...others.splice(0, 1));
        else if (act === "node") past.append(appears(nodeIn("node-a", `zone-${acts.length % 2}`)));
        else if (act === "reject") {
          const { namespace, name } = ofService.key;
          past.append({ ...commit(past.committed), outcome: "rejected", setAside: `${namespace}/${name}` });
        } else if (act === "snapshot") past.snapshot();
        else past.commit(act === "step");
      }
      past.commit();
      const early = past.early(missed);
      // A start asks the kernel for what it is to change.
      const holds = early?.delta.every(({ set, key, before }) =>
        isDeepStrictEqual(past.state.desired.get(set)?.get(key), before)
      );
      if (early === undefined || !holds) return void refused++;
      planned++;
      const { records, delta, digest, through } = early;
      assert.deepEqual({ delta, through, digest: digestText(digest) }, changedBy(past.state, records));
    }),
    { numRuns: 400 },
  );
  assert.ok(planned > 10 && refused > 10, `${planned} planned, ${refused} refused`);
});

Deno.test("an early commit has the records of the changes, the elements that differ, and the position behind them", () => {
  const past = twoServices();
  const early = past.early([MOVED])!;
  assert.deepEqual(early.records, [MOVED]);
  assert.equal(early.through, past.state.folded + 1);
  assert.deepEqual(
    early.delta.map(({ set, key, before, after }) => [set, key, before?.value, after?.value]),
    [
      [PATHS.ip.endpoints, "10.96.0.1 . tcp . 80 . 1", "10.244.1.2 . 8080", "10.244.1.7 . 8080"],
    ],
  );
  const position = early.transaction.at(-1)!;
  assert.match(
    JSON.stringify(position),
    new RegExp(`ledger ${ID} at ${early.through} digest ${digestText(early.digest)}`),
  );
  assert.equal(early.transaction.length, 4, "an element and the position, each deleted and added");
});

Deno.test("records behind the snapshot count: slices that came, went, or went to another Service", () => {
  const past = twoServices();
  past.append(
    appears(slice("shop/web-b http:8080/tcp 10.244.2.1")),
    appears(slice("shop/api-a http:8080/tcp 10.244.1.4")),
    vanishes(slice("shop/web-a http:8080/tcp")),
  );
  past.commit();
  const moved = appears(slice("shop/api-a http:8080/tcp 10.244.2.2"));
  const toWeb = {
    ...moved,
    value: { ...moved.value!, metadata: { ...moved.value!.metadata, labels: WEB[1]!.metadata.labels! } },
  };
  for (const missed of [moved, toWeb, vanishes(slice("shop/web-b http:8080/tcp"))]) {
    const { delta, digest, through } = past.early([missed])!;
    const { desired } = past.state;
    const before = copyOf(desired);
    assert.deepEqual(
      { delta, through, digest: digestText(digest) },
      changedBy(restoredState([...snapshotLines(past.state)]), [missed]),
    );
    assert.deepEqual(keyed(before), keyed(desired), "nothing is folded into the state");
  }
});

Deno.test("what is not of few Services alone waits for the state", () => {
  const waits = (past: Past, events: readonly WatchEvent[], changed?: Partial<EarlyInput>) =>
    assert.equal(past.early(events, changed), undefined);
  const two = twoServices();
  assert.ok(two.early([MOVED]) !== undefined);
  waits(two, [appears(service("shop/web 10.96.0.1 http:81/tcp"))]);
  waits(two, [MOVED, appears(nodeIn("node-a", "zone-b"))]);
  waits(two, [appears(slice("shop/new-a http:8080/tcp 10.244.1.1"))]);
  waits(two, [WEB[1]!].map(appears));
  waits(two, [appears(slice("shop/web-a http:8080/tcp 10.244.1.1@node-a"))]);
  waits(two, [appears(slice(`shop/web-a http:8080/tcp ${HOSTS}`))]);
  const weighed = appears(slice("shop/web-a http:8080/tcp 10.244.1.7"));
  waits(two, [{
    ...weighed,
    value: {
      ...weighed.value!,
      metadata: { ...weighed.value!.metadata, annotations: { [WEIGHT_ANNOTATION]: "many" } },
    },
  }]);
  waits(two, Array.from({ length: EARLY_EVENTS_MAX + 1 }, () => MOVED));
  waits(two, [MOVED], { config: { ...CONFIG, nodeName: "node-b" } });
  waits(two, [MOVED], { config: { ...CONFIG, bounds: NARROW } });
  assert.equal(
    planEarly(two.known(), { kind: "events", events: [MOVED], problems: ["odd"] }, () => 9 as Offset),
    undefined,
  );
  const list = { kind: "list", objects: WEB, complete: true, time: TIME, problems: [] } as const;
  assert.equal(planEarly(two.known(), list, () => 9 as Offset), undefined);
});

Deno.test("what records behind the snapshot leave open waits for the state", () => {
  const after = (act: (past: Past) => void): Past => {
    const past = twoServices();
    act(past);
    return past;
  };
  const twin = service("shop/twin 10.96.0.9 http:80/tcp", TIME, { externalIPs: ["10.96.0.1"] });
  const cases: Record<string, Past> = {
    "a record that was not committed": after((past) =>
      past.append(appears(slice("shop/api-a http:8080/tcp")))
    ),
    "a configuration that was not committed": after((past) => past.append({ ...CONFIG, version: "1" })),
    "a step behind the last commit": after((past) => past.commit(true)),
    "a Service that was set aside behind it": after((past) =>
      past.append({ ...commit(past.committed), outcome: "rejected", error: "no", setAside: "shop/api" })
    ),
    "changes that are left": after((past) => past.append({ ...commit(past.committed), left: 3 })),
    "lost records": after((past) => past.append({ kind: "gap", time: TIME, reason: "lost", records: 2 })),
    "its own Service": after((past) => {
      past.append(versioned(WEB[0]!, "7"));
      past.commit();
    }),
    "a Service that is set aside, whatever it claims": after((past) => {
      past.append({ ...commit(past.committed), outcome: "rejected", error: "no", setAside: "shop/api" });
      past.commit();
      past.snapshot();
    }),
    "another configuration, which was committed": after((past) => {
      past.append({ ...CONFIG, nodeName: "node-b" }, CONFIG);
      past.commit();
    }),
    "a Service that was large meanwhile": after((past) => {
      past.append(appears(slice(`shop/web-a http:8080/tcp ${HOSTS}`)), appears(WEB[1]!));
      past.commit();
    }),
    "a Service that is not small": after((past) => {
      const ports = "http:80/tcp two:81/tcp three:82/tcp";
      const endpoints = slice(`shop/web-a ${ports} 10.244.1.1 10.244.1.2`);
      past.append(appears(service(`shop/web 10.96.0.1 ${ports}`)), appears(endpoints));
      past.commit();
      past.snapshot();
    }),
    "another Service that claims its frontend": after((past) => {
      past.append(appears(twin));
      past.commit();
    }),
    "a Service that claimed it before": after((past) => {
      past.append(appears(twin));
      past.commit();
      past.snapshot();
    }),
    "more Services than are looked for": after((past) => {
      past.append(
        ...Array.from(
          { length: EARLY_SERVICES_MAX },
          (_, i) => appears(service(`many/s${i} 10.97.${i >> 8}.${i & 255} http:80/tcp`)),
        ),
      );
      past.commit();
    }),
  };
  for (const [what, past] of Object.entries(cases)) assert.equal(past.early([MOVED]), undefined, what);
  const checkpoint = after((past) =>
    past.append({ kind: "gap", time: TIME, reason: "", records: 0, checkpoint: "" })
  );
  assert.ok(checkpoint.early([MOVED]) !== undefined, "a checkpoint changes no rule");
});

Deno.test("the deletion of a slice waits where others may have its endpoints, or its frontends", () => {
  const past = twoServices();
  const local = appears(slice("shop/web-a http:8080/tcp 10.244.1.1@node-a"));
  past.append(
    local,
    appears(service("shop/twin 10.96.0.9 http:80/tcp", TIME, { externalIPs: ["10.96.0.2"] })),
  );
  past.commit();
  past.snapshot();
  for (const one of [WEB[1]!, API[1]!]) assert.equal(past.early([vanishes(one)]), undefined);
});

Deno.test("a slice that leaves a Service of which the snapshot has no rules waits", () => {
  const past = new Past(CONFIG, ...[...WEB, slice("shop/late-a http:8080/tcp 10.244.2.1")].map(appears));
  past.commit();
  past.snapshot();
  past.append(appears(service("shop/late 10.96.0.3 http:80/tcp")));
  past.commit();
  const { value, ...event } = appears(slice("shop/late-a http:8080/tcp 10.244.2.1"));
  const labels = { ...value!.metadata.labels, [HEADLESS]: "" };
  const left = { ...event, value: { ...value as EndpointSlice, metadata: { ...value!.metadata, labels } } };
  assert.equal(past.early([MOVED, left]), undefined);
  assert.ok(past.early([MOVED]) !== undefined);
});

Deno.test("endpoints are chosen for the zone of the own Node, which the snapshot alone has", () => {
  const hinted = (...zones: readonly string[]) => {
    const { value, ...event } = appears(
      slice(`shop/web-a http:8080/tcp ${zones.map((_, i) => `10.244.1.${i + 1}`).join(" ")}`),
    );
    const endpoints = (value as EndpointSlice).endpoints.map((one, i) => ({
      ...one,
      hints: { forZones: [{ name: zones[i]! }] },
    }));
    return { ...event, value: { ...value as EndpointSlice, endpoints } };
  };
  const past = twoServices();
  past.append(hinted("zone-a", "zone-b", "zone-a"));
  past.commit();
  past.snapshot();
  const missed = hinted("zone-b", "zone-b", "zone-a");
  const { delta, digest, through } = past.early([missed])!;
  assert.deepEqual({ delta, through, digest: digestText(digest) }, changedBy(past.state, [missed]));
  assert.ok(delta.length > 0);
});

Deno.test("a change that is known is left out of the records", () => {
  const known = appears(WEB[1]!);
  assert.deepEqual(twoServices().early([known, MOVED])!.records, [MOVED]);
});

Deno.test("a snapshot that an older program wrote is not enough", () => {
  const past = twoServices();
  const asBefore = [...snapshotLines(past.state)].map((line) => {
    const { versions: _, slices: __, ...rest } = line as SnapshotLine & {
      versions?: unknown;
      slices?: unknown;
    };
    return rest;
  });
  const older = new SnapshotText<SnapshotLine>(textOf(asBefore), snapshotMisfit);
  assert.equal(past.early([MOVED], { lines: older }), undefined);
  const [head, ...others] = snapshotLines(past.state);
  const { fold: _, ...withoutFold } = head as SnapshotLine & { fold?: number };
  const another = new SnapshotText<SnapshotLine>(textOf([withoutFold, ...others]), snapshotMisfit);
  assert.equal(past.early([MOVED], { lines: another }), undefined);
});
