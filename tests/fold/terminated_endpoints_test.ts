// Which connections are cut: those to endpoints that have been gone for the grace of their Service.

import assert from "node:assert/strict";
import {
  CUT_ANNOTATION,
  type CutCandidate,
  TerminatedEndpoints,
} from "../../src/fold/terminated_endpoints.ts";
import { type ClusterState, emptyState } from "../../src/fold/cluster_state.ts";
import type { KubeObject, Service } from "../../src/kube/objects.ts";
import { type ServiceName, serviceName } from "../../src/kube/service_name.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";
import { folded } from "../support/folded.ts";

const WEB = serviceName("shop", "web");
const web = (seconds?: string): KubeObject => {
  const made = service("shop/web 10.96.0.1,fd00:96::1 http:80/tcp dns:53/udp", undefined, {
    type: "NodePort",
    externalIPs: ["198.51.100.7"],
  });
  const ports = made.spec.ports!.map((port, i) => ({ ...port, nodePort: 30080 + i }));
  const annotations = seconds === undefined ? {} : { [CUT_ANNOTATION]: seconds };
  return { ...made, metadata: { ...made.metadata, annotations }, spec: { ...made.spec, ports } };
};
const endpoints = (...words: readonly string[]) =>
  slice(["shop/web-a http:8080/tcp dns:5353/udp", ...words].join(" "));
const to = (target: string, answerer: string, more: Partial<CutCandidate> = {}): CutCandidate => {
  return { family: "ip", protocol: "tcp", target, answerer, ...more };
};
const GONE = to("10.96.0.1 . 80", "10.244.0.1 . 8080");

/** With the state that was noted last. */
class Followed extends TerminatedEndpoints {
  #state = emptyState();

  override note(state: ClusterState, names: Iterable<ServiceName>, now: number): void {
    this.#state = state;
    super.note(state, names, now);
  }

  cutsNow(now: number): (connection: CutCandidate) => boolean {
    return this.cuts(now, this.#state);
  }
}

/** After the endpoints of `steps`, each noted at its time. */
function after(seconds: number | undefined, ...steps: readonly (readonly [number, ...KubeObject[]])[]) {
  const terminated = new Followed(seconds, 0);
  for (const [now, ...objects] of steps) terminated.note(folded(...objects.map(appears)), [WEB], now);
  return terminated;
}

Deno.test("a connection is cut once its endpoint has been out of the slices for the grace", () => {
  const left = after(60, [0, web(), endpoints("10.244.0.1", "10.244.0.2")], [
    5000,
    web(),
    endpoints("10.244.0.2"),
  ]);
  assert.equal(left.cutsNow(64_999)(GONE), false);
  assert.equal(left.cutsNow(65_000)(GONE), true);
  for (const target of ["198.51.100.7 . 80", "192.168.0.2 . 30080"]) {
    assert.equal(left.cutsNow(65_000)(to(target, "10.244.0.1 . 8080")), true, target);
  }
  const stays = [
    to("10.96.0.1 . 80", "10.244.0.2 . 8080"),
    to("10.96.0.1 . 81", "10.244.0.1 . 8080"),
    to("10.96.0.9 . 80", "10.244.0.1 . 8080"),
    to("10.96.0.1 . 80", "10.96.0.1 . 80"),
    to("10.96.0.1 . 53", "10.244.0.1 . 5353", { protocol: "udp" }),
    to("10.96.0.1 . 80", "10.244.0.1 . 8080", { protocol: "sctp" }),
  ];
  for (const one of stays) assert.equal(left.cutsNow(65_000)(one), false, JSON.stringify(one));
});

Deno.test("an endpoint that terminates or is not ready is not gone, and one that comes back is not either", () => {
  const unready = after(0, [0, web(), endpoints("10.244.0.1")], [1, web(), endpoints("!10.244.0.1")]);
  assert.equal(unready.cutsNow(10)(GONE), false);
  const back = after(
    60,
    [0, web(), endpoints("10.244.0.1")],
    [1, web(), endpoints("10.244.0.2")],
    [2, web(), endpoints("10.244.0.1")],
    [50_000, web(), endpoints("10.244.0.2")],
  );
  assert.equal(back.cutsNow(100_000)(GONE), false, "the second time counts");
  assert.equal(back.cutsNow(110_000)(GONE), true);
});

Deno.test("what went before the start counts as gone since then", () => {
  const started = after(60, [100, web(), endpoints("10.244.0.2")]);
  assert.equal(started.deadline, 60_000);
  assert.equal(started.cutsNow(59_999)(GONE), false);
  assert.equal(started.cutsNow(60_000)(GONE), true);
});

Deno.test("a Service's annotation decides for it; a wrong one counts as none", () => {
  const cuts = (seconds: number | undefined, annotation?: string) =>
    after(seconds, [0, web(annotation), endpoints("10.244.0.1")], [
      0,
      web(annotation),
      endpoints("10.244.0.2"),
    ]).cutsNow(
      60_000,
    )(GONE);
  assert.equal(cuts(undefined), false);
  assert.equal(cuts(undefined, "60"), true);
  assert.equal(cuts(undefined, "61"), false);
  assert.equal(cuts(60), true);
  assert.equal(cuts(60, "never"), false);
  for (const wrong of ["1e1", "-1", "", "99999", "60s"]) {
    assert.equal(cuts(undefined, wrong), false, wrong);
    assert.equal(cuts(60, wrong), true, wrong);
  }
});

Deno.test("the deadline is that of the next endpoint, and none once all were looked through", () => {
  const terminated = after(
    60,
    [0, web(), endpoints("10.244.0.1", "10.244.0.2")],
    [10_000, web(), endpoints("10.244.0.2")],
    [20_000, web(), endpoints("10.244.0.3")],
  );
  assert.equal(terminated.deadline, 60_000, "what was there before the start");
  terminated.passed(60_000);
  assert.equal(terminated.deadline, 70_000);
  terminated.passed(70_000);
  assert.equal(terminated.deadline, 80_000);
  terminated.passed(80_000);
  assert.equal(terminated.deadline, Infinity);
  assert.equal(after(undefined, [0, web(), endpoints()]).deadline, Infinity);
});

Deno.test("while a Service has no endpoint at all its connections go on; the next endpoint ends them", () => {
  const empty = after(60, [0, web(), endpoints("10.244.0.1")], [5000, web(), endpoints()]);
  empty.passed(60_000);
  assert.equal(empty.deadline, Infinity);
  assert.equal(empty.cutsNow(90_000)(GONE), false);
  empty.note(folded(appears(web()), appears(endpoints("10.244.0.2"))), [WEB], 90_000);
  assert.equal(empty.deadline, 65_000, "it is due");
  assert.equal(empty.cutsNow(90_000)(GONE), true);
});

Deno.test("connections of a Service that holds the frontend are not cut for another one that claims it", () => {
  const claimed = service("shop/db 10.96.0.9 sql:80/tcp node:30080/tcp", "2026-01-01T00:00:00Z", {
    externalIPs: ["198.51.100.7"],
  });
  const claiming = web("0") as Service;
  const externalIPs = ["198.51.100.7", "10.96.0.9"];
  const hostile = { ...claiming, spec: { ...claiming.spec, externalIPs } };
  const others = slice("shop/db-a sql:5432/tcp node:5433/tcp 10.244.9.1");
  const left = after(
    undefined,
    [0, claimed, others, hostile, endpoints("10.244.0.1", "10.244.0.2")],
    [0, claimed, others, hostile, endpoints("10.244.0.2")],
  );
  assert.equal(left.cutsNow(1)(GONE), true);
  assert.equal(left.cutsNow(1)(to("192.168.0.2 . 30080", "10.244.0.1 . 8080")), true);
  const stays = [
    to("10.96.0.9 . 80", "10.244.9.1 . 5432"),
    to("198.51.100.7 . 80", "10.244.9.1 . 5432"),
    // A NodePort of the other Service has the number of this port.
    to("10.96.0.9 . 30080", "10.244.9.1 . 5433"),
    to("198.51.100.7 . 30080", "10.244.9.1 . 5433"),
  ];
  for (const one of stays) assert.equal(left.cutsNow(1)(one), false, JSON.stringify(one));
});

Deno.test("a Service that is deleted takes part no more", () => {
  const terminated = after(0, [0, web(), endpoints("10.244.0.1")], [0, endpoints()]);
  assert.equal(terminated.cutsNow(1)(GONE), false);
});
