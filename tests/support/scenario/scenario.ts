// Scenarios as text: a node's configuration, a cluster, packets, and the results of the packets. The hosts and addresses are those
// of the lab (tests/support/lab/lab.ts).
//
//   config cluster-cidr=10.244.0.0/16,fd00:10:244::/48
//   node node-a zone=zone-2
//   service shop/web type=NodePort ips=10.96.0.10 ports=http:80/tcp:30080
//   slice shop/web-a ports=http:8080/tcp 10.244.1.5@node-a 10.244.2.5@node-b+unready
//   packet outside 203.0.113.2 -> 192.168.0.2:30080/tcp
//   ----
//   outside 203.0.113.2 -> 192.168.0.2:30080/tcp: 10.244.1.5:8080 masqueraded

import { decodeObject } from "../../../src/kube/decode.ts";
import type { KubeObject } from "../../../src/kube/objects.ts";
import { DEFAULT_PROXY_CONFIG, type ProxyConfig } from "../../../src/kube/proxy_config.ts";
import type { HostName } from "../lab/lab.ts";
import type { Probe } from "../lab/probe.ts";
import type { Protocol } from "../../../src/nft/data_type.ts";

/** Endpoints of a slice in the notation: address, node, and words such as `unready` and `zone=zone-1`. */
export interface EndpointLine {
  readonly address: string;
  readonly node: string;
  readonly words: readonly string[];
}

/** The line of one object: `service`, its name, fields in the form `key=value`, and for slices the endpoints. */
export interface ObjectLine {
  readonly kind: "service" | "slice" | "service-cidr" | "node";
  readonly name: string;
  readonly fields: Readonly<Record<string, string>>;
  readonly endpoints: readonly EndpointLine[];
}

/** The part of a scenario file above its line of dashes. */
export interface Scenario {
  readonly prose: readonly string[];
  /** Fields of the config line; see {@link configOf}. */
  readonly config: Readonly<Record<string, string>>;
  readonly objects: readonly ObjectLine[];
  readonly probes: readonly Probe[];
}

/** The node under test in every scenario. */
export const NODE_NAME = "node-a";
export const ZONE = "zone-1";
export const ZONE_LABEL = "topology.kubernetes.io/zone";

/** Parses the part above the dashes. Throws with the line that is wrong. */
export function parseScenario(text: string): Scenario {
  const prose: string[] = [];
  const objects: ObjectLine[] = [];
  const probes: Probe[] = [];
  let config = {};
  for (const line of text.split("\n").map((line) => line.trim())) {
    if (line.startsWith("#")) prose.push(line);
    else if (line.startsWith("config")) config = fieldsOf(line.split(" ").slice(1));
    else if (line.startsWith("packet ")) probes.push(parseProbe(line.slice("packet ".length)));
    else if (line !== "") objects.push(parseObject(line));
  }
  return { prose, config, objects, probes };
}

/** Writes a scenario so that {@link parseScenario} reads the same. */
export function scenarioText({ prose, config, objects, probes }: Scenario): string {
  const fields = (all: Readonly<Record<string, string>>) =>
    Object.entries(all).map(([key, value]) => value === "" ? key : `${key}=${value}`);
  return [
    ...prose,
    ["config", ...fields(config)].join(" "),
    ...objects.map(({ kind, name, fields: all, endpoints }) =>
      [kind, name, ...fields(all), ...endpoints.map(endpointLine)].join(" ")
    ),
    ...probes.map((probe) => `packet ${probeText(probe)}`),
  ].map((line) => `${line}\n`).join("");
}

/** `pod-1 10.244.1.5 -> 10.96.0.1:80/tcp`. */
export function probeText({ host, source, destination, port, protocol }: Probe): string {
  const target = destination.includes(":") ? `[${destination}]` : destination;
  return `${host} ${source} -> ${target}:${port}/${protocol}`;
}

function parseProbe(text: string): Probe {
  const match = /^(\S+) (\S+) -> (?:\[(\S+)\]|([^:\s]+)):(\d+)\/(tcp|udp|sctp)$/.exec(text);
  if (match === null) throw new Error(`"${text}" is not HOST SOURCE -> ADDRESS:PORT/PROTO`);
  const [, host, source, v6, v4, port, protocol] = match;
  return {
    host: host as HostName,
    source: source!,
    destination: (v6 ?? v4)!,
    port: Number(port),
    protocol: protocol as Protocol,
  };
}

function parseObject(line: string): ObjectLine {
  const [kind, name, ...words] = line.split(" ") as [ObjectLine["kind"], string, ...string[]];
  if (!["service", "slice", "service-cidr", "node"].includes(kind) || name === undefined) {
    throw new Error(`"${line}" is no line of a scenario`);
  }
  const isEndpoint = (word: string) => word.includes("@");
  const endpoints = words.filter(isEndpoint).map((word) => {
    const [place, ...rest] = word.split("+") as [string, ...string[]];
    const [address, node] = place.split("@") as [string, string];
    return { address, node, words: rest };
  });
  return { kind, name, fields: fieldsOf(words.filter((word) => !isEndpoint(word))), endpoints };
}

function endpointLine({ address, node, words }: EndpointLine): string {
  return [`${address}@${node}`, ...words].join("+");
}

function fieldsOf(words: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    words.filter((word) => word !== "").map((word) => {
      const at = word.indexOf("=");
      return at < 0 ? [word, ""] : [word.slice(0, at), word.slice(at + 1)];
    }),
  );
}

const list = (text: string | undefined) => text === undefined || text === "" ? [] : text.split(",");

/** The configuration of a config line. Its fields have the names of the flags of `run`. */
export function configOf(fields: Scenario["config"]): ProxyConfig {
  const { "bridge-interface": bridge, "interface-name-prefix": prefix } = fields;
  return {
    masqueradeBit: Number(fields["masquerade-bit"] ?? DEFAULT_PROXY_CONFIG.masqueradeBit),
    masqueradeAll: "masquerade-all" in fields,
    detectLocal: bridge !== undefined
      ? { mode: "BridgeInterface", name: bridge }
      : prefix !== undefined
      ? { mode: "InterfaceNamePrefix", prefix }
      : "node-cidr" in fields
      ? { mode: "NodeCIDR" }
      : { mode: "ClusterCIDR", cidrs: list(fields["cluster-cidr"]) },
    nodePortAddresses: list(fields["nodeport-addresses"]),
  };
}

/** An object as the API has it, before the API server's defaults. */
export type Manifest = Record<string, unknown> & {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly status?: unknown;
};

/** The manifest of a line. */
export function manifestOf(line: ObjectLine): Manifest {
  if (line.kind === "service") return serviceManifest(line);
  if (line.kind === "slice") return sliceManifest(line);
  if (line.kind === "node") return nodeManifest(line.fields["zone"] ?? "");
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "ServiceCIDR",
    metadata: { name: line.name },
    spec: { cidrs: list(line.fields["cidrs"]) },
  };
}

function serviceManifest({ name: path, fields }: ObjectLine): Manifest {
  const [namespace, name] = path.split("/") as [string, string];
  const ips = list(fields["ips"]);
  const v6 = (ip: string) => ip.includes(":");
  const born = fields["born"] === undefined
    ? {}
    : { creationTimestamp: `2026-01-0${fields["born"]}T00:00:00Z` };
  const spec = {
    type: fields["type"] ?? "ClusterIP",
    clusterIP: ips[0],
    clusterIPs: ips,
    ipFamilies: ips.filter((ip) => ip !== "None").map((ip) => v6(ip) ? "IPv6" : "IPv4"),
    ipFamilyPolicy: ips.length > 1 ? "RequireDualStack" : "SingleStack",
    ports: list(fields["ports"]).map(servicePort),
    ...(fields["external-ips"] ? { externalIPs: list(fields["external-ips"]) } : {}),
    ...(fields["ranges"] ? { loadBalancerSourceRanges: list(fields["ranges"]) } : {}),
    ...(fields["external"] ? { externalTrafficPolicy: fields["external"] } : {}),
    ...(fields["internal"] ? { internalTrafficPolicy: fields["internal"] } : {}),
    ...("no-node-ports" in fields ? { allocateLoadBalancerNodePorts: false } : {}),
    ...(fields["health-check"] ? { healthCheckNodePort: Number(fields["health-check"]) } : {}),
    ...(fields["affinity"]
      ? {
        sessionAffinity: "ClientIP",
        sessionAffinityConfig: { clientIP: { timeoutSeconds: Number(fields["affinity"]) } },
      }
      : {}),
  };
  const labels = fields["proxy-name"] === undefined
    ? {}
    : { labels: { "service.kubernetes.io/service-proxy-name": fields["proxy-name"] } };
  const ingress = list(fields["balancer"]).map((entry) => {
    const [ip, ipMode] = entry.split("~") as [string, string?];
    return { ip, ipMode: ipMode ?? "VIP" };
  });
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace, ...born, ...labels },
    spec,
    ...(ingress.length > 0 ? { status: { loadBalancer: { ingress } } } : {}),
  };
}

/** `http:80/tcp:30080`; the name may be empty, the NodePort left out. */
function servicePort(text: string): Record<string, unknown> {
  const [name, rest, nodePort] = text.split(":") as [string, string, string?];
  const [port, protocol] = rest.split("/") as [string, string];
  return {
    ...(name === "" ? {} : { name }),
    port: Number(port),
    protocol: protocol.toUpperCase(),
    ...(nodePort === undefined ? {} : { nodePort: Number(nodePort) }),
  };
}

/** The Service of a slice: its name is that of the slice up to the last "-". */
function sliceManifest({ name: path, fields, endpoints }: ObjectLine): Manifest {
  const [namespace, name] = path.split("/") as [string, string];
  const owner = name.slice(0, name.lastIndexOf("-"));
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name, namespace, labels: { "kubernetes.io/service-name": owner } },
    addressType: endpoints.some(({ address }) => address.includes(":")) || "v6" in fields ? "IPv6" : "IPv4",
    ports: list(fields["ports"]).map(servicePort),
    endpoints: endpoints.map(({ address, node, words }) => {
      const valued = fieldsOf(words);
      // As publishNotReadyAddresses has an endpoint whose pod is not ready.
      const isPublished = words.includes("published");
      const ready = isPublished || (!words.includes("unready") && !words.includes("terminating"));
      const serving = !words.includes("unready") && !isPublished;
      const hints = {
        ...(valued["zone"] ? { forZones: valued["zone"].split(";").map((name) => ({ name })) } : {}),
        ...(valued["node"] ? { forNodes: valued["node"].split(";").map((name) => ({ name })) } : {}),
      };
      const whole = { ready, serving, terminating: words.includes("terminating") };
      // Controllers of third parties leave conditions out.
      const conditions = words.includes("bare") ? {} : words.includes("ready-only") ? { ready } : whole;
      return {
        addresses: [address],
        conditions,
        ...(node === "" ? {} : { nodeName: node }),
        ...(Object.keys(hints).length > 0 ? { hints } : {}),
      };
    }),
  };
}

/** The own Node object, with its addresses in the lab; without a zone it has no label. */
export function nodeManifest(zone = ZONE, addresses = ["192.168.0.2", "fd00:192::2"]): Manifest {
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: NODE_NAME, labels: zone === "" ? {} : { [ZONE_LABEL]: zone } },
    spec: { podCIDR: "10.244.1.0/24", podCIDRs: ["10.244.1.0/24", "fd00:10:244:1::/64"] },
    status: { addresses: addresses.map((address) => ({ type: "InternalIP", address })) },
  };
}

/** Decodes manifests as a source does. Throws for one that is refused. */
export function decodeAll(manifests: readonly unknown[]): KubeObject[] {
  return manifests.map((manifest) => {
    const decoded = decodeObject(manifest);
    if (!decoded.ok) throw new Error(decoded.problem);
    return decoded.object;
  });
}
