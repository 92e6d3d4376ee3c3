// Random scenarios that a real API server accepts: a few Services of every kind, endpoints in every condition, and packets from
// every host to every possible frontend.

import fc from "fast-check";
import type { HostName } from "../lab/lab.ts";
import { SERVER_PORTS } from "../lab/lab.ts";
import type { Probe } from "../lab/probe.ts";
import { type EndpointLine, NODE_NAME, type ObjectLine, type Scenario } from "./scenario.ts";

/** Configurations, each of which kube-proxy can run with. */
export const CONFIGS: readonly Scenario["config"][] = [
  { "cluster-cidr": "10.244.0.0/16,fd00:10:244::/48" },
  {},
  {
    "cluster-cidr": "10.244.0.0/16,fd00:10:244::/48",
    "masquerade-all": "",
    "nodeport-addresses": "203.0.113.0/24,fd00:203::/64",
  },
  { "node-cidr": "", "nodeport-addresses": "all", "masquerade-bit": "3" },
  { "bridge-interface": "veth-pod-1", "nodeport-addresses": "primary,203.0.113.0/24" },
  { "interface-name-prefix": "veth-pod", "nodeport-addresses": "192.168.0.0/16" },
];

/** Endpoints of random clusters: pods and host-network pods on both nodes. */
export const ENDPOINTS: readonly { readonly v4: string; readonly v6: string; readonly node: string }[] = [
  { v4: "10.244.1.5", v6: "fd00:10:244:1::5", node: "node-a" },
  { v4: "10.244.1.6", v6: "fd00:10:244:1::6", node: "node-a" },
  { v4: "10.244.2.5", v6: "fd00:10:244:2::5", node: "node-b" },
  { v4: "10.244.2.6", v6: "fd00:10:244:2::6", node: "node-b" },
  { v4: "10.244.2.7", v6: "fd00:10:244:2::7", node: "node-b" },
  { v4: "192.168.0.2", v6: "fd00:192::2", node: "node-a" },
  { v4: "192.168.0.3", v6: "fd00:192::3", node: "node-b" },
];

/** Hosts of the lab that send, and their addresses. */
export const CLIENTS: readonly { readonly host: HostName; readonly v4: string; readonly v6: string }[] = [
  { host: "pod-1", v4: "10.244.1.5", v6: "fd00:10:244:1::5" },
  { host: "pod-2", v4: "10.244.1.6", v6: "fd00:10:244:1::6" },
  { host: "node", v4: "192.168.0.2", v6: "fd00:192::2" },
  { host: "outside", v4: "203.0.113.2", v6: "fd00:203::2" },
  { host: "outside", v4: "203.0.113.66", v6: "fd00:203::66" },
  { host: "outside", v4: "10.244.3.9", v6: "fd00:10:244:3::9" },
];

const RANGES = [
  "203.0.113.0/26",
  "203.0.113.66/32",
  "10.244.0.0/16",
  "192.168.0.0/24",
  "192.168.0.2/32",
  "fd00:192::2/128",
  "fd00:203::2/128",
  "fd00:10:244::/48",
  "0.0.0.0/0",
  "203.0.113.70/26",
  "10.244.1.5/16",
  "010.244.0.0/16",
  "::ffff:203.0.113.0/122",
];

type Family = "v4" | "v6";

const LOOPBACK = "127.0.0.1";

interface Port {
  readonly name: string;
  readonly port: number;
  readonly protocol: "tcp" | "udp";
  readonly nodePort: number;
  readonly target: number;
}

/** One Service, and the frontends that packets may be sent to. */
interface Cluster {
  readonly lines: readonly ObjectLine[];
  readonly targets: readonly Omit<Probe, "host" | "source">[];
}

/** A scenario with one of `configs` and `packets` packets. */
export function scenarios(configs: readonly Scenario["config"][], packets: number): fc.Arbitrary<Scenario> {
  const services = fc.integer({ min: 1, max: 4 }).chain((count) =>
    fc.tuple(...Array.from({ length: count }, (_, number) => cluster(number)))
  );
  const zone = fc.constantFrom("zone-1", "zone-1", "zone-2", "zone-3", "");
  return fc.tuple(fc.constantFrom(...configs), services, zone).chain(([config, clusters, zone]) => {
    const targets = clusters.flatMap(({ targets }) => targets);
    const node: ObjectLine = { kind: "node", name: NODE_NAME, fields: { zone }, endpoints: [] };
    const objects = [node, ...clusters.flatMap(({ lines }) => lines)];
    return fc.array(probe(targets), { minLength: packets, maxLength: packets })
      .map((probes) => ({ prose: [], config, objects, probes }));
  });
}

function probe(targets: readonly Omit<Probe, "host" | "source">[]): fc.Arbitrary<Probe> {
  const others: Omit<Probe, "host" | "source">[] = [
    { destination: "10.96.9.9", port: 80, protocol: "tcp" },
    { destination: "fd00:96::9999", port: 80, protocol: "udp" },
    { destination: "10.244.2.5", port: 8080, protocol: "tcp" },
  ];
  const target = fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom(...targets) },
    { weight: 1, arbitrary: fc.constantFrom(...others) },
  );
  return fc.tuple(fc.constantFrom(...CLIENTS), target).map(([{ host, v4, v6 }, target]): Probe => {
    if (target.destination === LOOPBACK) return { host: "node", source: LOOPBACK, ...target };
    return { host, source: target.destination.includes(":") ? v6 : v4, ...target };
  });
}

function cluster(number: number): fc.Arbitrary<Cluster> {
  const ports = fc.constantFrom<Port[]>(
    [{ name: "", port: 80, protocol: "tcp", nodePort: 30000 + number * 10, target: SERVER_PORTS[0]! }],
    [
      { name: "http", port: 80, protocol: "tcp", nodePort: 30000 + number * 10, target: SERVER_PORTS[0]! },
      { name: "dns", port: 53, protocol: "udp", nodePort: 30001 + number * 10, target: SERVER_PORTS[2]! },
    ],
    [
      { name: "tcp", port: 443, protocol: "tcp", nodePort: 30000 + number * 10, target: SERVER_PORTS[1]! },
      { name: "udp", port: 443, protocol: "udp", nodePort: 30000 + number * 10, target: SERVER_PORTS[1]! },
    ],
  );
  const policy = fc.constantFrom("", "", "Local");
  return fc.record({
    families: fc.constantFrom<Family[][]>(["v4"], ["v6"], ["v4", "v6"], ["v6", "v4"]) as fc.Arbitrary<
      Family[]
    >,
    type: fc.constantFrom("ClusterIP", "NodePort", "LoadBalancer", "LoadBalancer"),
    ports,
    external: fc.constantFrom("", "Local"),
    internal: policy,
    affinity: fc.constantFrom("", "", "", "", "60", "10800"),
    hasExternalIPs: fc.boolean(),
    // On the node itself, where NodePorts are too.
    atNode: number === 0 ? fc.boolean() : fc.constant(false),
    // A controller may write the node's own address, as k3s does, or one that is an external IP too.
    balancerAt: fc.constantFrom<("own" | "node" | "external")[]>(
      ...(number === 0 ? ["own", "node", "external"] as const : ["own", "own", "external"] as const),
    ),
    mode: fc.constantFrom("", "", "", "~Proxy"),
    secondMode: fc.constantFrom<(string | undefined)[]>(undefined, undefined, "", "~Proxy"),
    hasNodePorts: fc.constantFrom(true, true, true, false),
    foreign: fc.constantFrom(false, false, false, false, false, false, false, true),
    ranges: fc.oneof(
      fc.constant<string[]>([]),
      fc.subarray(RANGES, { minLength: 1, maxLength: 3 }),
    ),
    otherTargets: fc.boolean(),
    v4: slices(number, "v4"),
    v6: slices(number, "v6"),
  }).map((choice) => {
    const { families } = choice;
    const ips = { v4: `10.96.1.${number + 1}`, v6: `fd00:96::10${number}` };
    const external = choice.atNode
      ? { v4: "203.0.113.1", v6: "fd00:203::1" }
      : { v4: `198.51.100.1${number}`, v6: `fd00:198::1${number}` };
    const { type, hasExternalIPs, ranges } = choice;
    const balancer = {
      own: { v4: `198.51.100.2${number}`, v6: `fd00:198::2${number}` },
      node: { v4: "192.168.0.2", v6: "fd00:192::2" },
      external,
    }[choice.balancerAt];
    const second = { v4: `198.51.100.3${number}`, v6: `fd00:198::3${number}` };
    const open = type !== "ClusterIP" || hasExternalIPs;
    const hasNodePorts = type === "NodePort" || (type === "LoadBalancer" && choice.hasNodePorts);
    const usedPorts = choice.ports.map(({ name, port, protocol, nodePort }) =>
      `${name}:${port}/${protocol}${hasNodePorts ? `:${nodePort}` : ""}`
    );
    const balancers = families.flatMap((family) => [
      `${balancer[family]}${choice.mode}`,
      ...(choice.secondMode === undefined ? [] : [`${second[family]}${choice.secondMode}`]),
    ]);
    const fields = {
      ...(type === "ClusterIP" ? {} : { type }),
      ips: families.map((family) => ips[family]).join(),
      ports: usedPorts.join(),
      ...(hasExternalIPs ? { "external-ips": families.map((family) => external[family]).join() } : {}),
      ...(type === "LoadBalancer" ? { balancer: balancers.join() } : {}),
      ...(type === "LoadBalancer" && !hasNodePorts ? { "no-node-ports": "" } : {}),
      ...(type === "LoadBalancer" && ranges.length > 0 ? { ranges: ranges.join() } : {}),
      ...(choice.external !== "" && open ? { external: choice.external } : {}),
      ...(choice.external !== "" && type === "LoadBalancer"
        ? { "health-check": String(32000 + number) }
        : {}),
      ...(choice.internal !== "" ? { internal: choice.internal } : {}),
      ...(choice.affinity !== "" ? { affinity: choice.affinity } : {}),
      ...(choice.foreign ? { "proxy-name": "other" } : {}),
    };
    const service: ObjectLine = { kind: "service", name: `shop/s${number}`, fields, endpoints: [] };
    const portsOf = (targets: readonly number[]) =>
      choice.ports.map(({ name, protocol }, i) => `${name}:${targets[i]}/${protocol}`).join();
    const numbers = choice.ports.map(({ target }) => target);
    // Ports that are named have other numbers in other slices.
    const ports = { a: portsOf(numbers), b: portsOf(choice.otherTargets ? [...numbers].reverse() : numbers) };
    const all = [...choice.v4, ...choice.v6].map((line) => ({
      ...line,
      fields: { ports: line.name.endsWith("b") ? ports.b : ports.a, ...line.fields },
    }));
    const targets = families.flatMap((family) => {
      const node = family === "v4"
        ? ["192.168.0.2", "203.0.113.1", LOOPBACK]
        : ["fd00:192::2", "fd00:203::1"];
      return choice.ports.flatMap(({ port, protocol, nodePort }) => [
        { destination: ips[family], port, protocol },
        { destination: ips[family], port, protocol },
        { destination: ips[family], port: 81, protocol },
        ...(hasExternalIPs ? [{ destination: external[family], port, protocol }] : []),
        ...(type === "LoadBalancer"
          ? [balancer, second].map((one) => ({ destination: one[family], port, protocol }))
          : []),
        ...(hasNodePorts ? node.map((destination) => ({ destination, port: nodePort, protocol })) : []),
      ]);
    });
    return { lines: [service, ...all], targets };
  });
}

/** Which hints all endpoints of a Service have: without those of one endpoint none counts. */
const HINTED = ["none", "none", "none", "zone", "node", "both", "some"] as const;
const NODES = ["node=node-a", "node=node-b", "node=node-a;node-b"];
const ZONES = ["zone=zone-1", "zone=zone-2", "zone=zone-1;zone-2"];

/** One or two slices of a family. An endpoint in both is the same in both, for kube-proxy takes the first that it meets. */
function slices(number: number, family: "v4" | "v6"): fc.Arbitrary<ObjectLine[]> {
  const words = fc.constantFrom<string[][]>(
    [],
    [],
    [],
    ["unready"],
    ["terminating"],
    [
      "unready",
      "terminating",
    ],
    ["published"],
    ["published", "terminating"],
    ["bare"],
    ["unready", "ready-only"],
  ).map((chosen): readonly string[] => chosen);
  const each = <T>(one: fc.Arbitrary<T>) =>
    fc.array(one, { minLength: ENDPOINTS.length, maxLength: ENDPOINTS.length });
  return fc.record({
    chosen: fc.subarray([...ENDPOINTS], { minLength: 0, maxLength: 5 }),
    conditions: each(words),
    hinted: fc.constantFrom(...HINTED),
    // Endpoints of hand-made slices have no node.
    nodeless: each(fc.constantFrom(...Array(9).fill(false), true)),
    zones: each(fc.constantFrom(...ZONES)),
    nodes: each(fc.constantFrom(...NODES)),
    split: fc.constantFrom<"whole" | "apart" | "overlapping">("whole", "apart", "overlapping"),
  }).map(({ chosen, conditions, nodeless, hinted, zones, nodes, split }) => {
    const endpoints = chosen.map((endpoint, i): EndpointLine => {
      const has = (kind: string) => hinted === kind || hinted === "both" || (hinted === "some" && i % 2 > 0);
      const hints = [...(has("zone") ? [zones[i]!] : []), ...(has("node") ? [nodes[i]!] : [])];
      const node = nodeless[i] ? "" : endpoint.node;
      return { address: endpoint[family], node, words: [...conditions[i]!, ...hints] };
    });
    const parts = split === "whole"
      ? [endpoints]
      : [endpoints.slice(0, 2), endpoints.slice(split === "apart" ? 2 : 1)];
    return parts.map((part, i): ObjectLine => ({
      kind: "slice",
      name: `shop/s${number}-${family}${"ab"[i]}`,
      fields: family === "v6" ? { v6: "" } : {},
      endpoints: part,
    }));
  });
}
