// Ports that Services had, by name and by number.

import assert from "node:assert/strict";
import { isNameProblem, nameProblemLines, subjectText } from "../../src/history/names.ts";
import type { Past } from "../../src/history/past.ts";
import { findServiceBefore, findSubjectBefore } from "../../src/history/past_names.ts";
import type { Service } from "../../src/kube/objects.ts";
import { appears, service, vanishes } from "../support/cluster_notation.ts";
import { committedPast } from "../support/past.ts";

type Port = readonly [name: string, port: number, protocol: string, nodePort: number];

const nodePorts = (name: string, ip: string, ...ports: readonly Port[]): Service =>
  service(`${name} ${ip}`, "2026-01-01T00:00:00Z", {
    type: "NodePort",
    ports: ports.map(([name, port, protocol, nodePort]) => ({ name, port, protocol, nodePort })),
  });

const GONE = nodePorts("shop/gone", "10.96.0.9", ["http", 80, "TCP", 30080], ["dns", 53, "UDP", 30053]);
const MOVED = nodePorts("shop/moved", "10.96.0.8", ["http", 80, "TCP", 30081]);
const PAST = committedPast([
  [appears(GONE), appears(MOVED), appears(service("shop/web 10.96.0.1 http:80/tcp grpc:9000/tcp"))],
  [appears(nodePorts("shop/moved", "10.96.0.8", ["http", 80, "TCP", 30082]))],
  [appears(service("shop/web 10.96.0.1 http:80/tcp"))],
  [vanishes(GONE)],
  [appears(nodePorts("shop/other", "10.96.0.7", ["http", 80, "TCP", 30090]))],
  [
    vanishes(nodePorts("shop/other", "10.96.0.7")),
    appears(nodePorts("shop/next", "10.96.0.6", ["http", 80, "TCP", 30090])),
  ],
  [vanishes(nodePorts("shop/next", "10.96.0.6"))],
]);
const LAST = [...PAST.records()].at(-1)!.offset;

function found(text: string, past: Past = PAST, find = findSubjectBefore): string {
  const subject = find(past, LAST, text);
  return isNameProblem(subject)
    ? nameProblemLines(subject).join(" ")
    : `${subject.kind} ${subjectText(subject)}`;
}

Deno.test("the number of a port that no Service has any more means the Service that had it", () => {
  const cases: Readonly<Record<string, string>> = {
    "30080": "service shop/gone:http",
    ":30053/udp": "service shop/gone:dns",
    "30081": "service shop/moved:http",
    "9000": "service shop/web:grpc",
    "53": "service shop/gone:dns",
    "30090": "30090 can be each of these; name one:   shop/next:http   shop/other:http",
    "30053/tcp": "30053/tcp: no Service has or had this port or NodePort; an offset is written @30053",
    "31000": "31000: no Service has or had this port or NodePort; an offset is written @31000",
    // What is there comes first.
    "30082": "service shop/moved:http",
  };
  for (const [text, what] of Object.entries(cases)) {
    assert.equal(found(text), what);
    assert.equal(found(text, PAST, findServiceBefore), what);
  }
});

Deno.test("a port of a Service that is gone, or that lost it, is found with the Service's name", () => {
  const cases: Readonly<Record<string, string>> = {
    "shop/gone:http": "service shop/gone:http",
    "shop/gone:53/udp": "service shop/gone:dns",
    "shop/next:80": "service shop/next:http",
    "shop/web:grpc": "service shop/web:grpc",
    "web:9000": "service shop/web:grpc",
    "shop/gone:30080": "shop/gone:30080: 30080 is the NodePort of:   shop/gone:http",
    "shop/gone:htpp": "shop/gone:htpp: shop/gone has no such port; it has:   shop/gone:http   shop/gone:dns",
    "none/none:http": "none/none:http: no Service, node, pod or zone has this name at this position",
    "web:htpp": "web:htpp: shop/web has no such port; it has:   shop/web:http",
  };
  for (const [text, what] of Object.entries(cases)) assert.equal(found(text), what);
});
