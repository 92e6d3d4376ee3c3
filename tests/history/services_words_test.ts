// The text about Services and endpoints.

import assert from "node:assert/strict";
import { stateToRead } from "../../src/history/journal_reading.ts";
import { knownPast } from "../../src/history/last_changes.ts";
import { servicesOfState, type ServiceState } from "../../src/history/services.ts";
import { endpointsLines, serviceLines, servicesLines, stateText } from "../../src/history/services_words.ts";
import { secondsOf } from "../support/past.ts";
import { webPast } from "../support/web_history.ts";

const past = webPast();
const state = stateToRead(past, 13);
const SERVICES = servicesOfState(
  state,
  state.services.keys(),
  knownPast(past, state, new Set(state.services.keys()), true),
);

Deno.test("a line for each Service; -o wide has all frontends and policies", () => {
  assert.deepEqual(servicesLines(SERVICES, false, secondsOf), [
    "SERVICE    TYPE       FRONTEND             READY  STATE               LAST CHANGE",
    "shop/cart  ClusterIP  10.96.0.2:80/tcp     0/0    no endpoints: http  @11 06 Service shop/cart (appeared)",
    "shop/web   NodePort   10.96.0.1:80/tcp +1  2/2    ok                  @9 05 Service shop/web (changed)",
  ]);
  const wide = servicesLines(SERVICES, true, secondsOf);
  assert.match(wide[2]!, /10\.96\.0\.1:80\/tcp,:30080\/tcp.*externalTrafficPolicy Local$/);
  assert.deepEqual(servicesLines([], false, secondsOf), ["there are no Services"]);
});

Deno.test("one Service with its frontends and endpoints", () => {
  assert.deepEqual(serviceLines(SERVICES[1]!, secondsOf), [
    "shop/web  NodePort  2/2 ready  ok  externalTrafficPolicy Local",
    "  10.96.0.1:80/tcp  http  cluster IP  to endpoints",
    "  :30080/tcp        http  NodePort    to dropped",
    "  10.244.0.1:8080  http  ready  traffic  node-a      @7 04",
    "  10.244.0.2:8080  http  ready  traffic  node-b      @7 04",
    "  last change: @9 05 Service shop/web (changed)",
  ]);
});

Deno.test("a line for each endpoint", () => {
  const endpoints = SERVICES[1]!.endpoints.map((one) => ({ service: "shop/web", ...one }));
  const [, line] = endpointsLines(endpoints, false, secondsOf);
  assert.match(line!, /^shop\/web +10\.244\.0\.1:8080 +http +ready +traffic +node-a +@7 04$/);
  const [, wide] = endpointsLines(endpoints, true, secondsOf);
  assert.match(wide!, / node-a +@7 04 +EndpointSlice shop\/web-a \(changed\) +shop\/web-a$/);
  assert.deepEqual(endpointsLines([], true, secondsOf), ["there are no endpoints"]);
});

Deno.test("what is wrong with a Service is said in a word, the worst first", () => {
  const plain = SERVICES[1]!;
  const held = plain.frontends.map((one) => ({ ...one, leads: "held", holder: "shop/other" } as const));
  const cases: [Partial<ServiceState>, string][] = [
    [{}, "ok"],
    [{ frontends: held }, "10.96.0.1:80/tcp is held by shop/other"],
    [{ lacking: ["http", "443"], frontends: held }, "no endpoints: http, 443"],
    [{ type: "headless" }, "not balanced"],
    [{ aside: "EINVAL", lacking: ["http"] }, "set aside"],
  ];
  for (const [change, text] of cases) assert.equal(stateText({ ...plain, ...change }), text);
});
