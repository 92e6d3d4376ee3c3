// Frontends of every kind in the cluster of the bench, and where their packets come from.

import type { ControlPlane, Json } from "../../support/cluster/control_plane.ts";
import { ADDRESSES, type Lab } from "../../support/lab/lab.ts";
import type { Path } from "../packet_times.ts";

/** A frontend, and the sender of its packets. */
export interface BenchFrontend extends Omit<Path, "lab"> {
  readonly name: string;
}

const ENDPOINTS = {
  ip: ["10.244.2.5", "10.244.2.6", "10.244.2.7", "192.168.0.3"],
  ip6: ["fd00:10:244:2::5"],
} as const;
/** Where the servers of {@link ENDPOINTS} listen: on the first of these, and, where a Service has more endpoints, on the others. */
const SERVER_PORTS = [5353, 8080, 8443] as const;
const [SERVER_PORT] = SERVER_PORTS;
const [NODE_PORT, OTHER_NODE_PORT] = [30_053, 30_054];
const POD = { host: "pod-1", source: "10.244.1.5", port: 53 } as const;
const POD6 = { host: "pod-1", source: "fd00:10:244:1::5", port: 53 } as const;
const CLIENT = { host: "outside", source: "203.0.113.2", port: 53 } as const;
/** Clients that are pinned after their first flows: as many as kube-proxy, which looks in one set for each endpoint, needs for a mean. */
const PINNED = { ...POD, sources: clients(1, 16) } as const;
/** More clients than there are flows: each is new to the Service. */
const NEW = { ...POD, sources: clients(256, 16_000) } as const;
const [BALANCER, ONE_ADDRESS, THREE_LENGTHS] = ["198.51.100.20", "198.51.100.21", "198.51.100.22"];
const [EXTERNAL, OTHER_EXTERNAL] = ["198.51.100.10", "198.51.100.11"];

type Sender = Pick<BenchFrontend, "host" | "source" | "sources" | "port">;
type Kind = readonly [name: string, sender: Sender, destination: string, endpoints: number, spec: Json];

const AFFINITY = { sessionAffinity: "ClientIP" };

function guarded(...loadBalancerSourceRanges: readonly string[]): Json {
  return { type: "LoadBalancer", loadBalancerSourceRanges };
}

/** Addresses of pod-1 beside its own, which {@link routeClients} makes usable. */
function clients(first: number, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `10.244.${64 + ((first + i) >> 8)}.${(first + i) & 255}`);
}

/** Gives pod-1 of `lab` the addresses of {@link clients}. They are behind its own: a node knows the links of 1,024 neighbors at most. */
export function routeClients(lab: Lab): void {
  lab.run("pod-1", "ip route add local 10.244.64.0/18 dev lo");
  lab.run("node", `ip route add 10.244.64.0/18 via ${POD.source} dev veth-pod-1`);
}

/** Without a destination packets go to the cluster IP. */
const KINDS: readonly Kind[] = [
  ["cluster IP, one endpoint", POD, "", 1, {}],
  ["cluster IP, two endpoints", POD, "", 2, {}],
  ["cluster IP, three endpoints", POD, "", 3, {}],
  ["cluster IP, ten endpoints", POD, "", 10, {}],
  ["ClientIP affinity, two endpoints, pinned clients", PINNED, "", 2, AFFINITY],
  ["ClientIP affinity, two endpoints, new clients", NEW, "", 2, AFFINITY],
  ["ClientIP affinity, ten endpoints, pinned clients", PINNED, "", 10, AFFINITY],
  ["ClientIP affinity, ten endpoints, new clients", NEW, "", 10, AFFINITY],
  ["cluster IP, IPv6", POD6, "", 1, { ipFamilies: ["IPv6"], ipFamilyPolicy: "SingleStack" }],
  ["external IP", CLIENT, EXTERNAL, 1, { externalIPs: [EXTERNAL] }],
  ["external IP, three endpoints", CLIENT, OTHER_EXTERNAL, 3, { externalIPs: [OTHER_EXTERNAL] }],
  ["source ranges", CLIENT, BALANCER, 1, guarded("203.0.113.0/24", "192.0.2.0/24")],
  ["source ranges, one address", CLIENT, ONE_ADDRESS, 1, guarded("203.0.113.2/32", "192.0.2.7/32")],
  [
    "source ranges, the last of three lengths",
    ...[CLIENT, THREE_LENGTHS, 1, guarded("192.0.2.7/32", "198.18.7.0/24", "203.0.0.0/16")] as const,
  ],
  ["NodePort", { ...CLIENT, port: NODE_PORT }, ADDRESSES.node.ip[0]!, 1, { type: "NodePort" }],
  [
    "NodePort, three endpoints",
    ...[{ ...CLIENT, port: OTHER_NODE_PORT }, ADDRESSES.node.ip[0]!, 3, { type: "NodePort" }] as const,
  ],
];

/** Creates a Service of each kind, whose endpoints are servers of the lab. */
export async function makeFrontends(plane: ControlPlane): Promise<BenchFrontend[]> {
  const frontends: BenchFrontend[] = [];
  for (const [i, kind] of KINDS.entries()) frontends.push(await makeFrontend(plane, `kind${i}`, kind));
  return frontends;
}

async function makeFrontend(
  plane: ControlPlane,
  service: string,
  [name, sender, destination, endpoints, spec]: Kind,
): Promise<BenchFrontend> {
  const v6 = sender.source.includes(":");
  const services = "/api/v1/namespaces/shop/services";
  const nodePort = spec["type"] === "NodePort" ? { nodePort: sender.port } : {};
  const made = await plane.call("POST", services, {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: service, namespace: "shop" },
    spec: { ports: [{ name: "dns", port: 53, protocol: "UDP", ...nodePort }], ...spec },
  });
  if (spec["type"] === "LoadBalancer") {
    const status = { loadBalancer: { ingress: [{ ip: destination }] } };
    await plane.call("PUT", `${services}/${service}/status`, { ...made, status });
  }
  const all = SERVER_PORTS.flatMap((port) =>
    ENDPOINTS[v6 ? "ip6" : "ip"].map((address) => ({ address, port }))
  );
  for (const [port, list] of Map.groupBy(all.slice(0, endpoints), (endpoint) => endpoint.port)) {
    await plane.call("POST", "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices", {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: {
        name: `${service}-${port}`,
        namespace: "shop",
        labels: { "kubernetes.io/service-name": service },
      },
      addressType: v6 ? "IPv6" : "IPv4",
      ports: [{ name: "dns", port, protocol: "UDP" }],
      endpoints: list.map(({ address }) => ({ addresses: [address] })),
    });
  }
  const { clusterIP } = (made as { spec: { clusterIP: string } }).spec;
  return { name, ...sender, destination: destination === "" ? clusterIP : destination };
}

/** A node without Service rules: packets go to the server itself. */
export function direct(frontend: BenchFrontend): BenchFrontend {
  const v6 = frontend.source.includes(":");
  return { ...frontend, destination: ENDPOINTS[v6 ? "ip6" : "ip"][0], port: SERVER_PORT };
}

/** Rules of a node that tracks connections, and does nothing else. */
export const TRACKING = ["ip", "ip6"].map((family) =>
  `table ${family} one {\n chain first {\n type filter hook forward priority 0;\n ct state invalid drop\n }\n}\n`
).join("");

/** Rules of a node with one rule, for `frontend`. */
export function oneRule({ source, destination, port }: BenchFrontend): string {
  const [family, server] = source.includes(":") ? ["ip6", `[${ENDPOINTS.ip6[0]}]`] : ["ip", ENDPOINTS.ip[0]];
  const rule = `${family} daddr ${destination} udp dport ${port} dnat to ${server}:${SERVER_PORT}`;
  return `table ${family} one {\n chain first {\n type nat hook prerouting priority -100;\n ${rule}\n }\n}\n`;
}
