// One Service with its EndpointSlices -> the resources it needs. The place where Service semantics live: traffic
// policies, external addresses, NodePorts and affinity will add resources here, and nowhere else.

import { COMMENT_BYTES_MAX } from "../limits.ts";
import { parseAddress } from "../kube/address.ts";
import type { EndpointSlice, Service, SliceEndpoint } from "../kube/objects.ts";
import { clusterAddresses, isProxied, type ServicePort, servicePorts } from "../kube/service_port.ts";
import type { Family } from "../nft/data_type.ts";
import { familyOf } from "../kube/address.ts";
import type { ElementKey } from "../nft/ruleset.ts";
import { type Resource, resourceKey } from "./resource.ts";
import { PATHS } from "./skeleton.ts";
import { assignSlots, NO_SLOTS, type Slots } from "./slots.ts";

/** What one Service puts into the ruleset. */
export interface ServiceProgram {
  /** Resources by {@link resourceKey}. */
  readonly resources: ReadonlyMap<string, Resource>;
  /** Slots of each ServicePort, by family, protocol and port name: all its frontends share them. */
  readonly slots: ReadonlyMap<string, Slots>;
  /** Endpoints beyond the largest slot class, by ServicePort name and family; they get no traffic. */
  readonly omitted: ReadonlyMap<string, number>;
}

/** A Service that does not exist. */
export const NO_PROGRAM: ServiceProgram = { resources: new Map(), slots: new Map(), omitted: new Map() };

/** An endpoint of a ServicePort: `10.244.0.1 . 8080`, and whether its pod runs on this node. */
interface Endpoint {
  readonly address: string;
  readonly port: number;
  readonly local: boolean;
}

/**
 * The program of `service`, given the one before (for its slots) and the name of the own node. `slices` are all slices
 * of the Service; their order does not matter.
 */
export function serviceProgram(
  service: Service,
  slices: Iterable<EndpointSlice>,
  previous: ServiceProgram,
  nodeName: string,
): ServiceProgram {
  if (!isProxied(service)) return NO_PROGRAM;
  const resources = new Map<string, Resource>();
  const slots = new Map<string, Slots>();
  const omitted = new Map<string, number>();
  const add = (resource: Resource) => resources.set(resourceKey(resource), resource);
  const all = [...slices];
  for (const address of clusterAddresses(service)) add(clusterIP(service, familyOf(address), address));
  for (const port of servicePorts(service)) {
    const key = `${port.family} ${port.protocol} ${port.portName}`;
    const endpoints = readyEndpoints(port, all, nodeName);
    const assigned = assignSlots(previous.slots.get(key) ?? NO_SLOTS, [...endpoints.keys()].sort());
    slots.set(key, assigned);
    if (assigned.endpoints.length < endpoints.size) {
      omitted.set(`${port.name} ${port.family}`, endpoints.size - assigned.endpoints.length);
    }
    add(frontend(port, assigned));
    for (const endpoint of endpoints.values()) if (endpoint.local) add(hairpin(port, endpoint));
  }
  return { resources, slots, omitted };
}

/** Names an endpoint without slot: `shop/web:http` in an element's comment, cut at a character. */
export function commentOf(name: string): string {
  let text = name;
  while (new TextEncoder().encode(text).length > COMMENT_BYTES_MAX) text = text.slice(0, -1);
  return text;
}

function clusterIP(service: Service, family: Family, address: string): Resource {
  const comment = commentOf(`${service.metadata.namespace}/${service.metadata.name}`);
  const element = { key: address as ElementKey, comment };
  return { kind: "element", path: PATHS[family]["cluster-ips"], element };
}

function frontend(port: ServicePort, slots: Slots): Resource {
  const key = `${port.clusterIP} . ${port.protocol} . ${port.port}`;
  return { kind: "frontend", family: port.family, frontend: key, comment: commentOf(port.name), slots };
}

/** A pod that reaches itself through a Service must see another source than its own address. */
function hairpin(port: ServicePort, { address, port: endpointPort }: Endpoint): Resource {
  const key = `${address} . ${address} . ${port.protocol} . ${endpointPort}` as ElementKey;
  return { kind: "element", path: PATHS[port.family]["hairpin-connections"], element: { key } };
}

/** Ready endpoints of `port` over all slices, by `address . port`; an endpoint in two slices counts once. */
function readyEndpoints(
  port: ServicePort,
  slices: readonly EndpointSlice[],
  nodeName: string,
): Map<string, Endpoint> {
  const addressType = port.family === "ip" ? "IPv4" : "IPv6";
  const found = new Map<string, Endpoint>();
  for (const slice of slices) {
    if (slice.addressType !== addressType) continue;
    for (const number of slicePorts(slice, port)) {
      for (const endpoint of slice.endpoints) addEndpoint(found, endpoint, number, nodeName);
    }
  }
  return found;
}

/** Port numbers that `slice` gives for the ServicePort's name and protocol. */
function slicePorts(slice: EndpointSlice, port: ServicePort): number[] {
  return slice.ports
    .filter(({ name, protocol }) =>
      (name ?? "") === port.portName && (protocol ?? "TCP").toLowerCase() === port.protocol
    )
    .flatMap(({ port: number }) => number ? [number] : []);
}

function addEndpoint(
  found: Map<string, Endpoint>,
  endpoint: SliceEndpoint,
  port: number,
  nodeName: string,
): void {
  if (endpoint.conditions?.ready === false) return;
  const address = parseAddress(endpoint.addresses[0] ?? "");
  if (address === null) return;
  const key = `${address} . ${port}`;
  const local = nodeName !== "" && endpoint.nodeName === nodeName;
  found.set(key, { address, port, local: local || (found.get(key)?.local ?? false) });
}
