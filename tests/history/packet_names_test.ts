// Packets between what names mean.

import assert from "node:assert/strict";
import { emptyState } from "../../src/fold/cluster_state.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { directoryOf } from "../../src/history/directory.ts";
import { packetOfNames } from "../../src/history/packet_names.ts";
import { endpointText } from "../../src/nft/text.ts";
import { offsetOf } from "../../src/ledger/record.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";

const DIRECTORY = (() => {
  const state = emptyState();
  const objects = [
    service("shop/web 10.96.0.1,fd00:96::1 http:80/tcp https:443/tcp"),
    service("shop/dns fd00:96::2 dns:53/udp"),
    service("shop/none None http:80/tcp"),
    {
      kind: "Node",
      metadata: { name: "worker-1" },
      spec: {},
      status: { addresses: [{ type: "InternalIP", address: "192.0.2.1" }] },
    } as const,
    slice("shop/web-a http:8080/tcp 10.244.0.9@worker-2"),
  ];
  objects.forEach((object, i) => foldRecord(state, offsetOf(i), appears(object)));
  return directoryOf(state);
})();

function packet(source: string, target: string): string {
  const made = packetOfNames(DIRECTORY, source, target, "eth0");
  if (typeof made === "string") return made;
  if ("candidates" in made) return [made.kind, ...made.candidates].join(" ");
  return `${made.source} ${endpointText(made.destination, made.port)}/${made.protocol} ${made.interface}`;
}

Deno.test("the target of a Service is its cluster IP of the sender's family; a node sends from its address", () => {
  const cases: [string, string, string][] = [
    ["10.244.0.9", "web:http", "10.244.0.9 10.96.0.1:80/tcp eth0"],
    ["fd00::9", "shop/web:443", "fd00::9 [fd00:96::1]:443/tcp eth0"],
    ["fd00::9", "dns", "fd00::9 [fd00:96::2]:53/udp eth0"],
    ["worker-1", "web:https", "192.0.2.1 10.96.0.1:443/tcp eth0"],
    ["203.0.113.9", "worker-1:30080", "203.0.113.9 192.0.2.1:30080/tcp eth0"],
    ["010.1.1.1", "10.96.0.1:80/UDP", "10.1.1.1 10.96.0.1:80/udp eth0"],
  ];
  for (const [source, target, made] of cases) assert.equal(packet(source, target), made);
});

Deno.test("what is wrong with a packet is explained, or names are offered", () => {
  const cases: [string, string, RegExp][] = [
    ["10.0.0.1", "web", /^ambiguous shop\/web:http shop\/web:https$/],
    ["10.0.0.1", "wbe:http", /^unknown shop\/web$/],
    ["10.0.0.1", "dns", /^10\.0\.0\.1 and shop\/dns are of two address families$/],
    ["10.0.0.1", "shop/none", /has no cluster IP/],
    ["10.0.0.1", "10.96.0.1", /^10\.96\.0\.1: it must be ADDRESS:PORT\/PROTO/],
    ["10.0.0.1", "10.96.0.1:80/icmp", /^10\.96\.0\.1:80\/icmp: it must be ADDRESS:PORT\/PROTO/],
    ["worker-2", "10.96.0.1:80", /^worker-2: the ledger has no address of this node; give the address/],
    ["web", "10.96.0.1:80", /^web: it must be the IP address of the sender, a pod or a node$/],
    ["10.0.0.1:5", "10.96.0.1:80", /^10\.0\.0\.1:5: it must be the IP address of the sender/],
    ["10.0.0.1", "worker-1", /^worker-1: it must have a port, as worker-1:80\/tcp$/],
    [
      "10.0.0.1",
      ":30080/tcp",
      /^:30080\/tcp: it is a port alone; give ADDRESS:PORT\/PROTO, NODE:PORT\/PROTO/,
    ],
    ["10.0.0.1", "30080", /^30080: it is a port alone/],
    [
      "10.0.0.1",
      "shop/",
      /^shop\/: it must be a Service, ADDRESS:PORT\/PROTO, or a node or pod with a port$/,
    ],
  ];
  for (const [source, target, message] of cases) assert.match(packet(source, target), message);
});
