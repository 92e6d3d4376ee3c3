// Endpoints of slices that are unusual: listed twice, of the wrong family, with fields missing, under a label that changes.
// Where two slices have one endpoint, the order in which they came decides nothing.

import assert from "node:assert/strict";
import { type ClusterState, emptyState } from "../../src/fold/cluster_state.ts";
import { noChanges } from "../../src/fold/fold_changes.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { listName, portOfList } from "../../src/fold/endpoints.ts";
import type { EndpointSlice, SliceEndpoint } from "../../src/kube/objects.ts";
import { servicePorts } from "../../src/kube/service_port.ts";
import type { LedgerRecord, Offset } from "../../src/ledger/record.ts";
import { appears, lines, service, slice, vanishes } from "../support/cluster_notation.ts";
import { folded } from "../support/folded.ts";

const WEB = service("shop/web 10.96.0.1 http:80/tcp");
const config: LedgerRecord = { kind: "config", time: "", version: "0", nodeName: "node-a" };

function endpoints(state: ClusterState): string[] {
  return lines(state.desired).filter((line) => / (single-)?endpoints /.test(line)).map((line) =>
    line.split(" : ")[1]!
  );
}

function sliceWith(text: string, ...parts: Partial<SliceEndpoint>[]): EndpointSlice {
  const one = slice(text);
  return { ...one, endpoints: one.endpoints.map((endpoint, i) => ({ ...endpoint, ...parts[i] })) };
}

Deno.test("an endpoint of the other family than its slice's is left out, and the Service is served", () => {
  const state = folded(appears(WEB), appears(slice("shop/web-a http:8080/tcp 10.244.0.1 fd00:10::1")));
  assert.deepEqual(endpoints(state), ["10.244.0.1 . 8080"]);
});

Deno.test("endpoints without address, conditions or hints, and ports without number, are read", () => {
  const one = slice("shop/web-a http:8080/tcp 10.244.0.1 10.244.0.2 10.244.0.3");
  const [a, b, c] = one.endpoints;
  const state = folded(
    appears(WEB),
    appears({
      ...one,
      endpoints: [{ ...a!, addresses: [] }, { addresses: b!.addresses }, { ...c!, hints: { forZones: [] } }],
      ports: [{ name: "http" }, { name: "http", port: 0 }, { name: "http", protocol: "TCP", port: 8080 }],
    }),
  );
  assert.deepEqual(endpoints(state), ["10.244.0.2 . 8080", "10.244.0.3 . 8080"]);
});

Deno.test("a port and an endpoint that are twice in one slice count once", () => {
  const one = slice("shop/web-a http:8080/tcp http:8080/tcp 10.244.0.1 10.244.0.1");
  assert.deepEqual(endpoints(folded(appears(WEB), appears(one))), ["10.244.0.1 . 8080"]);
});

Deno.test("the order of two slices does not decide which endpoint serves a UDP flow", () => {
  const dns = service("shop/dns 10.96.0.53 dns:53/udp");
  const conditions = (serving: boolean) => ({ conditions: { ready: false, serving, terminating: false } });
  const slices = [
    sliceWith("shop/dns-a dns:53/udp 10.244.0.1", conditions(false)),
    sliceWith("shop/dns-b dns:53/udp 10.244.0.1", conditions(true)),
  ];
  const serving = (ordered: readonly EndpointSlice[]) => {
    const state = emptyState();
    const changes = noChanges();
    [config, appears(dns), ...ordered.map(appears)].forEach((record, offset) =>
      foldRecord(state, offset as Offset, record, changes)
    );
    return [...changes.staleFlows.values()].map(({ serving }) => serving);
  };
  assert.deepEqual(serving(slices), [["10.244.0.1 . 53"]]);
  assert.deepEqual(serving(slices.toReversed()), serving(slices));
});

Deno.test("a slice that loses its label, becomes headless or is deleted twice leaves nothing behind", () => {
  const one = slice("shop/web-a http:8080/tcp 10.244.0.1");
  const { labels: _, ...bare } = one.metadata;
  const headless = { ...one.metadata.labels, "service.kubernetes.io/headless": "" };
  const ways: LedgerRecord[][] = [
    [appears({ ...one, metadata: bare })],
    [appears({ ...one, metadata: { ...one.metadata, labels: headless } })],
    [appears({ ...one, metadata: { ...one.metadata, labels: { "kubernetes.io/service-name": "" } } })],
    [vanishes(one), vanishes(one)],
  ];
  for (const records of ways) {
    const state = folded(appears(WEB), appears(one), ...records);
    assert.deepEqual([endpoints(state), state.slices.size], [[], 0]);
  }
});

Deno.test("affinity for zero seconds lasts for the API's default", () => {
  const affine = (timeoutSeconds?: number) =>
    service("shop/web 10.96.0.1 http:80/tcp", undefined, {
      sessionAffinity: "ClientIP",
      ...(timeoutSeconds === undefined ? {} : { sessionAffinityConfig: { clientIP: { timeoutSeconds } } }),
    });
  const rules = (timeoutSeconds?: number) =>
    lines(
      folded(appears(affine(timeoutSeconds)), appears(slice("shop/web-a http:8080/tcp 10.244.0.1"))).desired,
    );
  assert.deepEqual(rules(0), rules());
});

Deno.test("a Service whose families change their order keeps its rules", () => {
  const dual = service("shop/web 10.96.0.1,fd00:96::1 http:80/tcp");
  const slices = [slice("shop/web-a http:8080/tcp 10.244.0.1"), slice("shop/web-b http:8080/tcp fd00:10::1")];
  const state = folded(...[dual, ...slices].map(appears));
  const before = lines(state.desired, true);
  foldRecord(state, 9 as Offset, appears(service("shop/web fd00:96::1,10.96.0.1 http:80/tcp")));
  assert.deepEqual(lines(state.desired, true), before);
});

Deno.test("the names of both lists of a port begin with the port", () => {
  const [port] = servicePorts(service("shop/web 10.96.0.1 http:80/tcp"));
  const names = (["cluster", "local"] as const).map((list) => listName(port!, list));
  assert.deepEqual(names, ["ip tcp http cluster", "ip tcp http local"]);
  assert.deepEqual(names.map(portOfList), ["ip tcp http", "ip tcp http"]);
});
