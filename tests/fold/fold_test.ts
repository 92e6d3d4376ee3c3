// The fold in a one-line notation: objects in, elements out.

import assert from "node:assert/strict";
import { type ClusterState, emptyState } from "../../src/fold/cluster_state.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { DEFAULT_PROXY_CONFIG } from "../../src/kube/proxy_config.ts";
import { restoredState, snapshotLines } from "../../src/fold/snapshot.ts";
import type { CommitRecord, Offset } from "../../src/ledger/record.ts";
import { SLOT_CLASS_MAX } from "../../src/limits/rules.ts";
import { appears, lines, service, slice, vanishes } from "../support/cluster_notation.ts";
import { folded } from "../support/folded.ts";

const CONFIG = { kind: "config", time: "", version: "0", nodeName: "node-a" } as const;
const WEB = service("shop/web 10.96.0.1 http:80/tcp");

Deno.test("a Service with two endpoints gets its cluster IP and a slot for each, and one with three a lead besides", () => {
  const state = folded(appears(WEB), appears(slice("shop/web-a http:8080/tcp 10.244.0.1 10.244.1.1")));
  assert.deepEqual(lines(state.desired), [
    "ip cluster-ips 10.96.0.1",
    "ip endpoints 10.96.0.1 . tcp . 80 . 0 : 10.244.0.1 . 8080",
    "ip endpoints 10.96.0.1 . tcp . 80 . 1 : 10.244.1.1 . 8080",
  ]);
  const leads = (addresses: string) =>
    lines(folded(appears(WEB), appears(slice(`shop/web-a http:8080/tcp ${addresses}`))).desired)
      .filter((line) => line.includes("service-ips"));
  assert.deepEqual(leads("10.244.0.1 10.244.1.1 10.244.2.1"), [
    "ip service-ips 10.96.0.1 . tcp . 80 : e400:20",
  ]);
});

Deno.test("packets to a Service without ready endpoints are rejected, and its cluster IP stays in the set", () => {
  const state = folded(appears(WEB), appears(slice("shop/web-a http:8080/tcp !10.244.0.1")));
  assert.deepEqual(lines(state.desired), [
    "ip cluster-ips 10.96.0.1",
    "ip no-endpoint-services 10.96.0.1 . tcp . 80 : continue",
  ]);
});

Deno.test("slices that come before their Service wait for it", () => {
  const early = folded(appears(slice("shop/web-a http:8080/tcp 10.244.0.1")), appears(WEB));
  const late = folded(appears(WEB), appears(slice("shop/web-a http:8080/tcp 10.244.0.1")));
  assert.deepEqual(lines(early.desired), lines(late.desired));
});

Deno.test("a dual-stack Service has a frontend in each family, with the endpoints of that family", () => {
  const state = folded(
    appears(service("shop/web 10.96.0.1,fd00:96::1 http:80/tcp")),
    appears(slice("shop/web-a http:8080/tcp 10.244.0.1")),
    appears(slice("shop/web-b http:8080/tcp fd00:10::1")),
  );
  assert.deepEqual(lines(state.desired), [
    "ip cluster-ips 10.96.0.1",
    "ip single-endpoints 10.96.0.1 . tcp . 80 : 10.244.0.1 . 8080",
    "ip6 cluster-ips fd00:96::1",
    "ip6 single-endpoints fd00:96::1 . tcp . 80 : fd00:10::1 . 8080",
  ]);
});

Deno.test("one port number with three protocols is three frontends, each with its own endpoints", () => {
  const state = folded(
    appears(service("kube-system/dns 10.96.0.10 dns:53/udp dns-tcp:53/tcp dns-sctp:53/sctp")),
    appears(slice("kube-system/dns-a dns:53/udp dns-tcp:5353/tcp 10.244.0.10")),
  );
  assert.deepEqual(lines(state.desired), [
    "ip cluster-ips 10.96.0.10",
    "ip no-endpoint-services 10.96.0.10 . sctp . 53 : continue",
    "ip single-endpoints 10.96.0.10 . tcp . 53 : 10.244.0.10 . 5353",
    "ip single-endpoints 10.96.0.10 . udp . 53 : 10.244.0.10 . 53",
  ]);
});

Deno.test("an endpoint on the own node is in the hairpin set once, for all its Services", () => {
  const state = folded(
    CONFIG,
    appears(WEB),
    appears(service("shop/www 10.96.0.2 http:80/tcp")),
    appears(slice("shop/web-a http:8080/tcp 10.244.0.1@node-a 10.244.1.1@node-b")),
    appears(slice("shop/www-a http:8080/tcp 10.244.0.1@node-a")),
  );
  const hairpins = () => lines(state.desired).filter((line) => line.includes("hairpin"));
  assert.deepEqual(hairpins(), ["ip hairpin-connections 10.244.0.1 . 10.244.0.1 . tcp . 8080"]);
  foldRecord(state, 9 as Offset, vanishes(WEB));
  assert.equal(hairpins().length, 1, "the other Service still needs it");
  foldRecord(state, 10 as Offset, vanishes(service("shop/www 10.96.0.2 http:80/tcp")));
  assert.deepEqual(hairpins(), []);
});

Deno.test("a proxy with a name serves the Services of that name, and knows of no unallocated cluster IP", () => {
  const labelled = {
    ...WEB,
    metadata: { ...WEB.metadata, labels: { "service.kubernetes.io/service-proxy-name": "blue" } },
  };
  const blue = { ...CONFIG, proxy: { ...DEFAULT_PROXY_CONFIG, serviceProxyName: "blue" } };
  const slices = appears(slice("shop/web-a http:8080/tcp 10.244.0.1"));
  const serves = (state: ClusterState) =>
    lines(state.desired).some((line) => line.includes("single-endpoints"));
  assert.ok(!serves(folded(CONFIG, appears(labelled), slices)));
  assert.ok(!serves(folded(blue, appears(WEB), slices)));
  const state = folded(blue, appears(labelled), slices);
  assert.ok(serves(state));
  const rules = (tables: ClusterState["tables"]) => JSON.stringify(tables.flatMap(({ chains }) => chains));
  assert.ok(rules(folded(CONFIG).tables).includes("unallocated ClusterIPs"));
  assert.ok(!rules(state.tables).includes("unallocated ClusterIPs"));
  // The label, the name and a snapshot decide alike.
  assert.ok(serves(restoredState([...snapshotLines(state)])));
  foldRecord(state, 9 as Offset, appears(WEB));
  assert.ok(!serves(state), "the label is gone");
  foldRecord(state, 10 as Offset, CONFIG);
  assert.ok(serves(state), "the proxy has no name any more");
  foldRecord(state, 11 as Offset, appears(labelled));
  foldRecord(state, 12 as Offset, blue);
  assert.ok(serves(state));
});

Deno.test("headless and ExternalName Services, other proxies' Services and headless slices are not served", () => {
  const labelled = {
    ...WEB,
    metadata: { ...WEB.metadata, labels: { "service.kubernetes.io/service-proxy-name": "x" } },
  };
  for (
    const object of [
      service("shop/web None http:80/tcp"),
      service("shop/web 10.96.0.1 http:80/tcp", "", { type: "ExternalName" }),
      labelled,
    ]
  ) {
    const state = folded(appears(object), appears(slice("shop/web-a http:8080/tcp 10.244.0.1")));
    assert.deepEqual(lines(state.desired), [], JSON.stringify(object.spec));
  }
  const orphan = slice("shop/web-a http:8080/tcp 10.244.0.1");
  const headless = {
    ...orphan,
    metadata: {
      ...orphan.metadata,
      labels: { ...orphan.metadata.labels, "service.kubernetes.io/headless": "" },
    },
  };
  assert.ok(
    lines(folded(appears(WEB), appears(headless)).desired).some((line) =>
      line.includes("no-endpoint-services")
    ),
  );
});

Deno.test("deleting a Service leaves nothing of it behind", () => {
  const state = folded(
    CONFIG,
    appears(WEB),
    appears(slice("shop/web-a http:8080/tcp 10.244.0.1@node-a")),
    vanishes(WEB),
  );
  assert.deepEqual(lines(state.desired), []);
  assert.equal(state.programs.size + state.claims.size, 0);
});

Deno.test("the older of two Services with one cluster IP holds the frontend until it is deleted, in any order of events", () => {
  const older = service("a/old 10.96.0.1 http:80/tcp", "2026-01-01T00:00:00Z");
  const younger = service("a/new 10.96.0.1 http:80/tcp", "2026-06-01T00:00:00Z");
  const slices = [
    appears(slice("a/old-s http:8080/tcp 10.244.0.1")),
    appears(slice("a/new-s http:8080/tcp 10.244.9.9")),
  ];
  const one = folded(appears(older), appears(younger), ...slices);
  const other = folded(...slices, appears(younger), appears(older));
  assert.deepEqual(lines(one.desired, true), lines(other.desired, true));
  assert.ok(lines(one.desired).includes("ip single-endpoints 10.96.0.1 . tcp . 80 : 10.244.0.1 . 8080"));
  assert.deepEqual([...one.contested], ["ip frontend 10.96.0.1 . tcp . 80"]);
  foldRecord(one, 9 as Offset, vanishes(older));
  assert.ok(lines(one.desired).includes("ip single-endpoints 10.96.0.1 . tcp . 80 : 10.244.9.9 . 8080"));
  assert.deepEqual([...one.contested], []);
});

Deno.test("a slice that changes its Service leaves the old one", () => {
  const moved = slice("shop/api-a http:8080/tcp 10.244.0.1");
  const state = folded(
    appears(WEB),
    appears(service("shop/api 10.96.0.2 http:80/tcp")),
    appears({ ...moved, metadata: { ...moved.metadata, labels: { "kubernetes.io/service-name": "web" } } }),
    appears(moved),
  );
  assert.deepEqual(lines(state.desired).filter((line) => line.includes("endpoint")), [
    "ip no-endpoint-services 10.96.0.1 . tcp . 80 : continue",
    "ip single-endpoints 10.96.0.2 . tcp . 80 : 10.244.0.1 . 8080",
  ]);
});

Deno.test("5,000 endpoints fill the largest class; the rest have no slot and are counted", () => {
  const addresses = Array.from({ length: 5000 }, (_, i) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
  const slices = Array.from(
    { length: 50 },
    (_, i) =>
      appears(slice(`shop/web-${i} http:8080/tcp ${addresses.slice(i * 100, i * 100 + 100).join(" ")}`)),
  );
  const state = folded(
    appears(WEB),
    ...slices.map((record, i) => ({ ...record, key: { ...record.key, name: `web-${i}` } })),
  );
  assert.equal(lines(state.desired).filter((line) => line.startsWith("ip endpoints")).length, SLOT_CLASS_MAX);
  assert.deepEqual([...state.omitted], [["shop/web:http ip", 5000 - SLOT_CLASS_MAX]]);
  assert.ok(lines(state.desired).includes("ip service-ips 10.96.0.1 . tcp . 80 : e400:f0"));
});

Deno.test("foldRecord returns the elements that changed with their cause, and no others", () => {
  const state = folded(appears(WEB), appears(slice("shop/web-a http:8080/tcp 10.244.0.1 10.244.0.2")));
  const { touched } = foldRecord(
    state,
    7 as Offset,
    appears(slice("shop/web-a http:8080/tcp 10.244.0.1 10.244.0.3")),
  );
  assert.deepEqual([...touched].map(([path, keys]) => [path, [...keys]]), [["ip ledgerproxy endpoints", [[
    "10.96.0.1 . tcp . 80 . 1",
    7,
  ]]]]);
  const reordered = foldRecord(
    state,
    8 as Offset,
    appears(slice("shop/web-a http:8080/tcp 10.244.0.3 10.244.0.1")),
  );
  assert.equal(reordered.touched.size, 0, "the same endpoints in another order change nothing");
});

Deno.test("comments name the ServicePort and are cut to the kernel's limit", () => {
  const name = `${"n".repeat(63)}/${"s".repeat(63)}`;
  const state = folded(appears(service(`${name} 10.96.0.1 ${"p".repeat(15)}:80/tcp`)));
  const comments = [...state.desired.values()].flatMap((set) =>
    [...set.values()].map(({ comment }) => comment)
  );
  assert.deepEqual(comments.map((comment) => comment?.length).sort(), [127, 127]);
});

Deno.test("a gap of lost records is open, also in a snapshot, until rules are committed behind it", () => {
  const state = emptyState();
  const gap = (records: number) => ({ kind: "gap", time: "", reason: "", records }) as const;
  const commit = (through: number): CommitRecord => ({
    ...{ kind: "commit", time: "", from: 0, through, digest: "", outcome: "committed", changes: [] },
    ...{ changesOmitted: 0, operations: 0, microseconds: 0, generation: 0 },
  });
  const records = [CONFIG, gap(0), gap(3), CONFIG, commit(1), CONFIG, commit(5)];
  const open = records.map((record, offset) => {
    foldRecord(state, offset as Offset, record);
    assert.equal(restoredState(snapshotLines(state)).gap, state.gap);
    return state.gap;
  });
  assert.deepEqual(open, [undefined, undefined, 2, 2, 2, 2, undefined]);
});
