// A notation for clusters in tests:
//   service("shop/web 10.96.0.1,fd00:96::1 http:80/tcp dns:53/udp")
//   slice("shop/web-a http:8080/tcp 10.244.0.1 10.244.1.2@node-b !10.244.1.3")      ! not ready, @ node
// and rulesets as sorted lines: "ip service-ips 10.96.0.1 . tcp . 80 : 0.0.0.2".

import type { EndpointSlice, KubeObject, Node, Service } from "../../src/kube/objects.ts";
import { objectKey } from "../../src/kube/objects.ts";
import type { EventRecord } from "../../src/ledger/record.ts";
import type { Elements } from "../../src/nft/ruleset.ts";
import { elementText } from "../../src/nft/text.ts";

function named(text: string): { namespace: string; name: string } {
  const [namespace, name] = text.split("/") as [string, string];
  return { namespace, name };
}

function portOf(text: string): { name: string; port: number; protocol: string } {
  const [name, rest] = text.split(":") as [string, string];
  const [port, protocol] = rest.split("/") as [string, string];
  return { name, port: Number(port), protocol: protocol.toUpperCase() };
}

/** A Service: name, cluster IPs, ports; `born` is its creationTimestamp. */
export function service(
  text: string,
  born = "2026-01-01T00:00:00Z",
  spec: Partial<Service["spec"]> = {},
): Service {
  const [name, ips, ...ports] = text.split(" ") as [string, string, ...string[]];
  const clusterIPs = ips.split(",");
  return {
    kind: "Service",
    metadata: { ...named(name), creationTimestamp: born },
    spec: { type: "ClusterIP", clusterIP: clusterIPs[0]!, clusterIPs, ports: ports.map(portOf), ...spec },
  };
}

/** An EndpointSlice of the Service whose name is the slice's up to the last "-". */
export function slice(text: string): EndpointSlice {
  const [name, ...rest] = text.split(" ") as [string, ...string[]];
  const metadata = named(name);
  const ports = rest.filter((word) => word.includes("/")).map(portOf);
  const endpoints = rest.filter((word) => !word.includes("/")).map((word) => {
    const [address, nodeName] = word.replace("!", "").split("@") as [string, string | undefined];
    return {
      addresses: [address],
      conditions: { ready: !word.startsWith("!") },
      ...(nodeName ? { nodeName } : {}),
    };
  });
  const owner = metadata.name.slice(0, metadata.name.lastIndexOf("-"));
  return {
    kind: "EndpointSlice",
    metadata: { ...metadata, labels: { "kubernetes.io/service-name": owner } },
    addressType: endpoints[0]?.addresses[0]?.includes(":") ? "IPv6" : "IPv4",
    endpoints,
    ports,
  };
}

/** A Node without addresses, in a zone. */
export function nodeIn(name: string, zone: string): Node {
  return {
    kind: "Node",
    metadata: { name, labels: { "topology.kubernetes.io/zone": zone } },
    spec: {},
    status: {},
  };
}

/** The event that adds or changes `object`. */
export function appears(object: KubeObject): EventRecord {
  return {
    kind: "event",
    key: objectKey(object),
    value: object,
    resourceVersion: "",
    time: "2026-01-01T00:00:00.000Z",
  };
}

/** The event that deletes `object`. */
export function vanishes(object: KubeObject): EventRecord {
  return { ...appears(object), value: null };
}

/** Elements as sorted lines, without the table's name and, unless asked for, without comments. */
export function lines(elements: Elements, comments = false): string[] {
  return [...elements].flatMap(([path, set]) =>
    [...set.values()].map((element) => {
      const shown = comments
        ? element
        : { key: element.key, ...(element.value === undefined ? {} : { value: element.value }) };
      return `${path.replace(" ledgerproxy", "")} ${elementText(shown)}`;
    })
  ).sort();
}
