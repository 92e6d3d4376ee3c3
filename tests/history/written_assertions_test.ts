// Files of assertions that are written of a state, and read again.

import assert from "node:assert/strict";
import { parseAssertions } from "../../src/history/assertion.ts";
import { checkAssertions } from "../../src/history/assertion_check.ts";
import { stateAt } from "../../src/history/past.ts";
import {
  assertionsOf,
  assertionsText,
  servicesChanged,
  writtenAt,
} from "../../src/history/written_assertions.ts";
import { readDocuments } from "../../src/ingest/manifest_documents.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";
import { committedPast } from "../support/past.ts";
import { webPast } from "../support/web_history.ts";

const LINES = [
  "# Before.",
  "- { drift: none }",
  "- { latency: 30s }",
  "- { service: shop/web, ready: 1 }",
  "- { service: shop/web, outage: 0s }",
  '- { from: 203.0.113.77, to: "10.96.0.1:80/tcp", expect: endpoint, masqueraded: false }',
  "",
];

Deno.test("what held before is written of the Services that changed, holds there, and breaks with the incident", () => {
  const past = webPast();
  const span = { from: 2, through: 6 };
  const { state } = stateAt(past, span.from);
  const names = servicesChanged(past, span, state);
  assert.deepEqual(names, ["shop/web"]);
  const text = assertionsText("Before.", assertionsOf(state, names));
  assert.deepEqual(text.split("\n"), LINES);
  const parsed = parseAssertions(readDocuments("before.yaml", text).values);
  assert.ok(!("problems" in parsed), JSON.stringify(parsed));
  const held = (through: number) =>
    checkAssertions(past, { from: 2, through }, parsed).map(({ holds }) => holds);
  assert.deepEqual(held(2), [true, true, true, true, true]);
  assert.deepEqual(held(6), [true, true, false, false, false]);
});

Deno.test("a Service without endpoints is expected to refuse", () => {
  const { state } = stateAt(webPast(), 13);
  const about = assertionsOf(state, [...state.services.keys()].filter((name) => name === "shop/cart"));
  assert.deepEqual(about.slice(2), [{ from: "203.0.113.77", to: "10.96.0.2:80/tcp", expect: "refused" }]);
});

Deno.test("what is written holds where it was written, also of a Service that one family or node lacks", () => {
  const local = service("shop/local 10.96.0.4 http:80/tcp", "2026-01-01T00:00:00Z", {
    ...{ type: "NodePort", externalTrafficPolicy: "Local", internalTrafficPolicy: "Local" },
    ports: [{ name: "http", port: 80, protocol: "TCP", nodePort: 30080 }],
  });
  const past = committedPast([[
    appears(service("shop/dual 10.96.0.3,fd00:96::3 http:80/tcp")),
    appears(slice("shop/dual-a http:8080/tcp 10.244.0.1")),
    appears(local),
    appears(slice("shop/local-a http:8080/tcp 10.244.0.2@node-b")),
  ]]);
  const span = { from: 4, through: 4 };
  const parsed = parseAssertions(readDocuments("now.yaml", writtenAt(past, span, true).text).values);
  assert.ok(!("problems" in parsed), JSON.stringify(parsed));
  const broken = checkAssertions(past, span, parsed).filter(({ holds }) => !holds);
  assert.deepEqual(broken.map(({ name, text }) => `${name}: ${text}`), []);
});

Deno.test("a file is about the Services that a range changed, or about all, and says when that held", () => {
  const past = webPast();
  const changed = writtenAt(past, { from: 2, through: 6 }, false);
  assert.equal(changed.services, 1);
  assert.deepEqual(changed.text.split("\n").slice(1), LINES.slice(1));
  assert.match(changed.text, /^# What held at @2, 20\d\d-.*Z\.\n/);
  assert.equal(writtenAt(past, { from: 13, through: 13 }, false).services, 0);
  assert.equal(writtenAt(past, { from: 13, through: 13 }, true).services, 2);
});
