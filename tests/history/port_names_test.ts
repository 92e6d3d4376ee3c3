// What the number of a port, a NodePort of a node and the address of a frontend mean.

import assert from "node:assert/strict";
import { emptyState } from "../../src/fold/cluster_state.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { directoryOf } from "../../src/history/directory.ts";
import {
  isNameProblem,
  type NameProblem,
  nameProblemLines,
  type Subject,
  subjectText,
} from "../../src/history/names.ts";
import { findMeant, findServed } from "../../src/history/port_names.ts";
import type { KubeObject } from "../../src/kube/objects.ts";
import { offsetOf } from "../../src/ledger/record.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";

const nodePort = (name: string, ip: string, ...ports: readonly [string, number, string, number][]) =>
  service(`${name} ${ip}`, "2026-01-01T00:00:00Z", {
    type: "NodePort",
    ports: ports.map(([name, port, protocol, nodePort]) => ({ name, port, protocol, nodePort })),
  });

const MANY = Array.from({ length: 9 }, (_, i) => service(`many/s${i} 10.96.9.${i + 1} web:8080/tcp`));

const CLUSTER: readonly KubeObject[] = [
  nodePort("shop/web", "10.96.0.1,fd00:96::1", ["http", 80, "TCP", 30080]),
  nodePort("shop/dns", "10.96.0.2", ["dns", 53, "UDP", 30053], ["dns-tcp", 53, "TCP", 30053]),
  // A port of a cluster IP that is a NodePort elsewhere: at a node the NodePort is met.
  service("shop/odd 10.96.0.3 http:30080/tcp"),
  service("shop/edge 10.96.0.4 https:443/tcp", "2026-01-01T00:00:00Z", { externalIPs: ["192.0.2.7"] }),
  service("shop/late 10.96.0.5 https:443/tcp", "2026-01-02T00:00:00Z", { externalIPs: ["192.0.2.8"] }),
  service("shop/both 10.96.0.6 https:443/tcp", "2026-01-02T00:00:00Z", { externalIPs: ["192.0.2.8"] }),
  ...MANY,
  slice("shop/web-a http:8080/tcp 10.244.0.1@node-a"),
  {
    kind: "Node",
    metadata: { name: "node-a" },
    spec: {},
    status: { addresses: [{ type: "InternalIP", address: "192.0.2.1" }] },
  },
];

const DIRECTORY = (() => {
  const state = emptyState();
  CLUSTER.forEach((object, i) => foldRecord(state, offsetOf(i), appears(object)));
  return directoryOf(state);
})();

function shown(found: Subject | NameProblem): string {
  return isNameProblem(found) ? nameProblemLines(found).join(" ") : `${found.kind} ${subjectText(found)}`;
}

Deno.test("the number of a port means the Service that has it, a NodePort before a port of a cluster IP", () => {
  const cases: Readonly<Record<string, string>> = {
    "30080": "service shop/web:http",
    ":30080/tcp": "service shop/web:http",
    "30080/TCP": "service shop/web:http",
    "30053/udp": "service shop/dns:dns",
    "30053": "service shop/dns:30053",
    "443": "443 can be each of these; name one:   shop/both:https   shop/edge:https   shop/late:https",
    "80": "service shop/web:http",
    "8080": `8080: 9 ports of Services have this number; name one, such as: ${
      MANY.slice(0, 8).map((_, i) => `  many/s${i}:web`).join(" ")
    }`,
    "30080/udp":
      "30080/udp: no Service has this port or NodePort at this position; an offset is written @30080",
    "web:30080": "web:30080: 30080 is the NodePort of:   shop/web:http",
    "70000": "70000: no Service, node, pod or zone has this name at this position",
  };
  for (const [text, what] of Object.entries(cases)) assert.equal(shown(findMeant(DIRECTORY, text)), what);
});

Deno.test("a NodePort at the address of a node means its Service; at other addresses it does not", () => {
  const cases: Readonly<Record<string, string>> = {
    "192.0.2.1:30080": "service shop/web:http",
    "192.0.2.1:30080/tcp": "service shop/web:http",
    "node-a:30080": "service shop/web:http",
    "192.0.2.1:30080/udp": "address 192.0.2.1:30080",
    "192.0.2.1:22": "address 192.0.2.1:22",
    "192.0.2.1": "address 192.0.2.1",
    "198.51.100.1:30080": "address 198.51.100.1:30080",
    "10.96.0.1:80": "address 10.96.0.1:80",
  };
  for (const [text, what] of Object.entries(cases)) assert.equal(shown(findMeant(DIRECTORY, text)), what);
});

Deno.test("what is reached at the address of a frontend is the Service, unless several claim it", () => {
  const cases: Readonly<Record<string, string>> = {
    "10.96.0.1:80": "service shop/web:http",
    "[fd00:96::1]:80/tcp": "service shop/web:http",
    "10.96.0.1": "service shop/web",
    "10.96.0.1:81": "address 10.96.0.1:81",
    "10.96.0.2:53": "service shop/dns:53",
    "10.96.0.2:53/udp": "service shop/dns:dns",
    "192.0.2.7:443": "service shop/edge:https",
    "192.0.2.7": "address 192.0.2.7",
    "192.0.2.8:443": "address 192.0.2.8:443",
    "10.244.0.1:8080": "address 10.244.0.1:8080",
    "10.244.0.0/16": "block 10.244.0.0/16",
    "node-a:30080": "service shop/web:http",
    "shop/web:http": "service shop/web:http",
  };
  for (const [text, what] of Object.entries(cases)) assert.equal(shown(findServed(DIRECTORY, text)), what);
});
