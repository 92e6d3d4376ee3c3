// Random changes of a small cluster, wider than those of arbitrary_scenario.ts: they need not be accepted by an API server of today.
// Services claim each other's addresses and those of the node, change their kind and families, and are deleted and made again;
// slices of one Service differ in their ports and repeat endpoints in other conditions.

import fc from "fast-check";
import type { Packet } from "../../../src/history/trace.ts";
import type { Address, Family, Protocol } from "../../../src/nft/data_type.ts";
import { CLIENTS, ENDPOINTS } from "./arbitrary_scenario.ts";
import { type Manifest, nodeManifest } from "./scenario.ts";

/** An object that is stored, or deleted. */
export interface WorldChange {
  readonly manifest: Manifest;
  readonly deleted: boolean;
}

const SERVICES = 4;
const IPS = {
  ip: ["10.96.1.1", "10.96.1.2", "10.96.1.3", "10.96.1.4"],
  ip6: ["fd00:96::1", "fd00:96::2", "fd00:96::3", "fd00:96::4"],
};
/** The node's own addresses, cluster IPs of other Services, and addresses that are both external and a balancer's. */
const OUTER = {
  ip: ["198.51.100.1", "198.51.100.2", "203.0.113.1", "192.168.0.2", "10.96.1.1", "10.96.1.3", "10.244.2.5"],
  ip6: ["fd00:198::1", "fd00:198::2", "fd00:203::1", "fd00:192::2", "fd00:96::1", "fd00:96::3"],
};
/** Addresses of a ServiceCIDR that no Service has. */
const UNUSED = { ip: ["10.96.0.200"], ip6: ["fd00:96::200"] };
const LOOPBACK = "127.0.0.1";
const OWN = { ip: ["192.168.0.2", "203.0.113.1", LOOPBACK], ip6: ["fd00:192::2", "fd00:203::1"] };
const RANGES = [
  "203.0.113.0/26",
  "203.0.113.2/32",
  "203.0.113.66/32",
  "10.244.0.0/16",
  "10.244.1.0/24",
  "192.168.0.2/32",
  "192.168.0.0/24",
  "198.51.100.1/32",
  "0.0.0.0/0",
  "128.0.0.0/1",
  "fd00:203::/64",
  "fd00:203::2/128",
  "fd00:10:244::/48",
  "::/0",
  "fd00:192::2/128",
  // As API servers before 1.36 let them be: bits of the host, and addresses of IPv4 in the form of IPv6.
  "203.0.113.70/26",
  "10.244.1.5/16",
  "::ffff:203.0.113.0/122",
  "fd00:203::2/64",
];
const PROTOCOLS = ["TCP", "UDP", "SCTP"] as const;
const NUMBERS = [53, 80, 8080];
const NODE_PORTS = [30_001, 30_002, 30_003];
const NAMES = ["", "a", "b"];

const some = <T>(all: readonly T[], maxLength: number) => fc.subarray([...all], { maxLength });
const rarely = <T>(usual: T, rare: fc.Arbitrary<T>, weight = 3): fc.Arbitrary<T> =>
  fc.oneof({ weight, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: rare });

const ports = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom(...NAMES),
    port: fc.constantFrom(...NUMBERS),
    protocol: fc.constantFrom(...PROTOCOLS),
    nodePort: fc.constantFrom(...NODE_PORTS),
  }),
  { minLength: 1, maxLength: 3, selector: ({ port, protocol }) => `${port} ${protocol}` },
).map((all) => {
  const unique = all.filter((one, i) => all.findIndex(({ name }) => name === one.name) === i);
  return unique.filter((one, i) =>
    unique.findIndex(({ nodePort, protocol }) => nodePort === one.nodePort && protocol === one.protocol) === i
  );
});

/** Load balancers have the most fields. */
const TYPES = [
  "ClusterIP",
  "ClusterIP",
  "NodePort",
  "LoadBalancer",
  "LoadBalancer",
  "LoadBalancer",
  "ExternalName",
] as const;

const service: fc.Arbitrary<Manifest> = fc.record({
  number: fc.nat(SERVICES - 1),
  type: fc.constantFrom(...TYPES),
  families: fc.constantFrom<("ip" | "ip6")[]>(["ip"], ["ip6"], ["ip", "ip6"], ["ip6", "ip"]),
  headless: rarely(false, fc.constant(true), 12),
  ports,
  hasNodePorts: rarely(true, fc.constant(false)),
  external: fc.constantFrom(undefined, "Cluster", "Local", "Local"),
  internal: fc.constantFrom(undefined, "Cluster", "Local"),
  affinity: rarely(0, fc.constantFrom(1, 60, 61, 10_000, 10_800, 86_399, 86_400)),
  externalIPs: rarely<string[]>([], some([...OUTER.ip, ...OUTER.ip6], 3), 2),
  balancer: some([...OUTER.ip, ...OUTER.ip6], 3),
  mode: rarely<string | undefined>(undefined, fc.constantFrom("VIP", "Proxy"), 2),
  ranges: rarely<string[]>([], some(RANGES, 4), 1),
  label: rarely<Record<string, string>>(
    {},
    fc.constant({ "service.kubernetes.io/service-proxy-name": "other" }),
    15,
  ),
  born: fc.integer({ min: 1, max: 9 }),
  hasHealthCheck: rarely(true, fc.constant(false)),
  familyPolicy: fc.constantFrom("SingleStack", "PreferDualStack", "RequireDualStack"),
  distribution: fc.constantFrom(undefined, "PreferClose", "PreferSameZone", "PreferSameNode"),
  publishes: fc.boolean(),
  choice: rarely<Record<string, string>>({}, fc.constant({ "ledgerproxy.io/choice": "client" }), 7),
}).map((wish): Manifest => {
  const { number, type, families, headless, external, internal, affinity, balancer, ranges } = wish;
  const isOpen = type !== "ClusterIP" || wish.externalIPs.length > 0;
  const clusterIPs = headless ? ["None"] : families.map((family) => IPS[family][number]!);
  const born = `2026-01-0${wish.born}T00:00:00Z`;
  const metadata = {
    name: `s${number}`,
    namespace: "shop",
    labels: wish.label,
    annotations: wish.choice,
    creationTimestamp: born,
  };
  const spec = {
    type,
    ...(type === "ExternalName"
      ? { externalName: "shop.example" }
      : { clusterIP: clusterIPs[0], clusterIPs, ...familiesOf(families, wish.familyPolicy) }),
    ports: wish.ports.map(({ nodePort, ...port }) =>
      wish.hasNodePorts && ["NodePort", "LoadBalancer"].includes(type) ? { ...port, nodePort } : port
    ),
    externalIPs: wish.externalIPs,
    ...(external !== undefined && isOpen ? { externalTrafficPolicy: external } : {}),
    ...(internal !== undefined ? { internalTrafficPolicy: internal } : {}),
    ...(type === "LoadBalancer" ? { loadBalancerSourceRanges: ranges } : {}),
    // Whatever the type and the policy: a change of them leaves it to the next update.
    ...(wish.hasHealthCheck ? { healthCheckNodePort: 32_000 + number } : {}),
    // What controllers make of these is in the slices; here they must not matter.
    ...(wish.distribution === undefined ? {} : { trafficDistribution: wish.distribution }),
    ...(wish.publishes ? { publishNotReadyAddresses: true } : {}),
    ...(affinity === 0
      ? {}
      : { sessionAffinity: "ClientIP", sessionAffinityConfig: { clientIP: { timeoutSeconds: affinity } } }),
  };
  const ingress = balancer.map((ip) => ({ ip, ...(wish.mode === undefined ? {} : { ipMode: wish.mode }) }));
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata,
    spec,
    status: type === "LoadBalancer" ? { loadBalancer: { ingress } } : {},
  };
});

/** A Service with one family may have been made with any policy, in a cluster of one family. */
function familiesOf(families: readonly Family[], policy: string): Record<string, unknown> {
  return {
    ipFamilies: families.map((family) => family === "ip" ? "IPv4" : "IPv6"),
    ipFamilyPolicy: families.length > 1 && policy === "SingleStack" ? "PreferDualStack" : policy,
  };
}

const condition = rarely<boolean | undefined>(undefined, fc.boolean(), 2);
const hintKind = fc.constantFrom("none", "none", "zones", "nodes", "both", "mixed", "same-zone", "same-node");
const endpoint = fc.record({
  place: fc.constantFrom(...ENDPOINTS),
  conditions: fc.oneof(
    fc.record({ ready: condition, serving: condition, terminating: condition }),
    fc.constant({ ready: false, serving: true, terminating: true }),
    fc.constant({ ready: false, serving: false, terminating: true }),
    // As publishNotReadyAddresses has them.
    fc.record({ ready: fc.constant(true), serving: fc.boolean(), terminating: fc.boolean() }),
  ),
  zones: fc.subarray(["zone-1", "zone-2"]),
  nodes: fc.subarray(["node-a", "node-b"]),
  moved: rarely(false, fc.constant(true), 9),
});

/** Whatever ports a Service has, a slice with these has its endpoints. */
const EVERY_PORT = NAMES.flatMap((name) => PROTOCOLS.map((protocol) => ({ name, port: 8080, protocol })));

const slice: fc.Arbitrary<Manifest> = fc.record({
  number: fc.nat(SERVICES - 1),
  part: fc.constantFrom("x", "y"),
  family: fc.constantFrom<"v4" | "v6">("v4", "v6"),
  hints: hintKind,
  ports: fc.oneof(
    fc.constant(EVERY_PORT),
    fc.array(
      fc.record({
        name: fc.constantFrom(...NAMES),
        port: rarely<number | undefined>(8080, fc.constantFrom(53, 80, 30_001, undefined)),
        protocol: fc.constantFrom(...PROTOCOLS),
      }),
      { minLength: 0, maxLength: 5 },
    ),
  ),
  endpoints: fc.array(endpoint, { maxLength: 6 }),
  headless: rarely(false, fc.constant(true), 15),
  weight: rarely("1", fc.constantFrom("0", "2", "3"), 5),
}).map(({ number, part, family, hints, ports, endpoints, headless, weight }) => ({
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: {
    name: `s${number}-${family}${part}`,
    namespace: "shop",
    annotations: { "ledgerproxy.io/weight": weight },
    labels: {
      "kubernetes.io/service-name": `s${number}`,
      ...(headless ? { "service.kubernetes.io/headless": "" } : {}),
    },
  },
  addressType: family === "v4" ? "IPv4" : "IPv6",
  ports: ports.filter((one, i) =>
    ports.findIndex((other) => one.name === other.name && one.protocol === other.protocol) === i
  ),
  endpoints: endpoints.map(({ place, conditions, zones, nodes, moved }, i) => {
    const nodeName = moved ? "node-b" : place.node;
    const wants = (kind: string) => hints === "both" || hints === kind || (hints === "mixed" && i % 2 === 0);
    // What the controller of slices makes of trafficDistribution.
    const isSame = hints.startsWith("same-");
    const forZones = isSame ? [nodeName === "node-a" ? "zone-1" : "zone-2"] : wants("zones") ? zones : [];
    const forNodes = hints === "same-node" ? [nodeName] : wants("nodes") ? nodes : [];
    return {
      addresses: [place[family]],
      conditions,
      nodeName,
      hints: {
        ...(forZones.length > 0 ? { forZones: forZones.map((name) => ({ name })) } : {}),
        ...(forNodes.length > 0 ? { forNodes: forNodes.map((name) => ({ name })) } : {}),
      },
    };
  }),
}));

const node = fc.record({
  zone: fc.constantFrom("zone-1", "zone-2", ""),
  addresses: fc.constantFrom(
    ["192.168.0.2", "fd00:192::2"],
    ["203.0.113.1", "fd00:192::2"],
    [
      "fd00:203::1",
      "192.168.0.2",
      "203.0.113.1",
    ],
    ["192.168.0.2"],
    ["fd00:203::1"],
  ),
}).map(({ zone, addresses }) => nodeManifest(zone, [...addresses]));

const serviceCidr = fc.constantFrom(["10.96.0.0/16"], ["10.96.0.0/24", "fd00:96::/112"], ["fd00:96::/64"])
  .map((cidrs): Manifest => ({
    apiVersion: "networking.k8s.io/v1",
    kind: "ServiceCIDR",
    metadata: { name: "kubernetes" },
    spec: { cidrs },
  }));

/** One change. Only Services and slices are deleted: the last Node stays in force. */
const change: fc.Arbitrary<WorldChange> = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(service, rarely(false, fc.constant(true), 5)) },
  { weight: 12, arbitrary: fc.tuple(slice, rarely(false, fc.constant(true), 8)) },
  { weight: 1, arbitrary: fc.tuple(node, fc.constant(false)) },
  { weight: 1, arbitrary: fc.tuple(serviceCidr, fc.constant(false)) },
).map(([manifest, deleted]) => ({ manifest, deleted }));

/** Changes in their order, the own Node first. */
export const arbitraryChanges: fc.Arbitrary<WorldChange[]> = fc.array(change, { minLength: 4, maxLength: 30 })
  .map((changes) => [{ manifest: nodeManifest(), deleted: false }, ...changes]);

/** Packets of every client to every frontend that any Service may have. */
export const WORLD_PACKETS: Readonly<Record<Family, readonly Packet[]>> = {
  ip: packetsOf("ip"),
  ip6: packetsOf("ip6"),
};

function packetsOf(family: Family): Packet[] {
  const protocols = PROTOCOLS.map((name) => name.toLowerCase() as Protocol);
  const addresses = [...new Set([...IPS[family], ...OUTER[family], ...UNUSED[family]])];
  const targets = protocols.flatMap((protocol) => [
    ...addresses.flatMap((destination) => NUMBERS.map((port) => ({ destination, protocol, port }))),
    ...OWN[family].flatMap((destination) => NODE_PORTS.map((port) => ({ destination, protocol, port }))),
  ]);
  return CLIENTS.flatMap(({ host, v4, v6 }) =>
    targets.filter(({ destination }) => host === "node" || destination !== LOOPBACK).map((
      target,
    ): Packet => ({
      ...target,
      source: (family === "ip" ? v4 : v6) as Address,
      destination: target.destination as Address,
      ...(host === "node" ? {} : { interface: `veth-${host}` }),
    }))
  );
}
