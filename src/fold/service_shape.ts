// What follows from a Service object alone: its cluster IPs, and the frontends of its ports, without values and slots. It is made
// once and kept, because most events concern endpoints.

import { UTF8_BYTES_MAX } from "../limits/input.ts";
import { COMMENT_BYTES_MAX } from "../limits/rules.ts";
import { familyOf } from "../kube/address.ts";
import type { Service } from "../kube/objects.ts";
import { nameOfService, type ServiceName } from "../kube/service_name.ts";
import { leftOutOf, portsInFamilies, serviceFamilies, type ServicePort } from "../kube/service_port.ts";
import type { Address, Family, Protocol } from "../nft/data_type.ts";
import { canonicalKey, type ElementKey, elementKey } from "../nft/ruleset.ts";
import { listName } from "./endpoints.ts";
import {
  elementResource,
  frontendClaim,
  type FrontendKind,
  type FrontendResource,
  NO_VALUES,
  type Rank,
  type ServiceResource,
} from "./resource.ts";
import { PATHS } from "./skeleton.ts";
import { NO_SLOTS } from "./slots.ts";

/** What follows from a Service object alone. */
export interface ServiceShape {
  readonly service: Service;
  /** Link-local addresses of the own node, which it was made with. */
  readonly ownLinkLocal: readonly Address[];
  readonly leftOut: readonly string[];
  readonly clusterIPs: readonly ServiceResource[];
  readonly ports: readonly PortShape[];
}

/** A ServicePort and its frontends, without values and slots. */
export interface PortShape {
  readonly port: ServicePort;
  readonly internal: FrontendResource;
  readonly addresses: readonly FrontendResource[];
  readonly nodePort: FrontendResource | undefined;
  readonly lists: ListNames;
}

/** Names of a port's lists of endpoints in `ServiceProgram.slots`. */
interface ListNames {
  readonly cluster: string;
  readonly local: string;
}

/** Most Services have no address but their cluster IP. */
const NONE: readonly never[] = [];

/** The shape of a Service, for a node with these link-local addresses. One text for its `name` serves all that is named after it. */
export function shapeOf(
  service: Service,
  ownLinkLocal: readonly Address[],
  name = nameOfService(service.metadata),
): ServiceShape {
  const families = serviceFamilies(service, ownLinkLocal);
  return {
    service,
    ownLinkLocal,
    leftOut: leftOutOf(service, ownLinkLocal),
    clusterIPs: families.map((family) => clusterIP(name, family.clusterIP)),
    ports: portsInFamilies(service, families, name).map(portShapeOf),
  };
}

/** Whether `shape` is that of `service` for a node with these link-local addresses. */
export function isShapeOf(
  shape: ServiceShape | undefined,
  service: Service,
  ownLinkLocal: readonly Address[],
): shape is ServiceShape {
  if (shape?.service !== service) return false;
  return shape.ownLinkLocal === ownLinkLocal || shape.ownLinkLocal.join() === ownLinkLocal.join();
}

function portShapeOf(port: ServicePort): PortShape {
  return {
    port,
    internal: addressFrontend(port, port.clusterIP, 0),
    addresses: port.externalIPs.length === 0
      ? NONE
      : port.externalIPs.map((address) =>
        addressFrontend(port, address, port.balancerIPs.includes(address) ? 1 : 2)
      ),
    nodePort: port.nodePort === 0
      ? undefined
      : bareFrontend(port, "nodeport", nodePortKey(port), undefined, 0),
    lists: listNames(port),
  };
}

/** Names of lists by the name of their port: those of most Services are the same, and one value stands for all that are equal. */
const NAMES: Readonly<Record<Family, Readonly<Record<Protocol, Map<string, ListNames>>>>> = {
  ip: { tcp: new Map(), udp: new Map(), sctp: new Map() },
  ip6: { tcp: new Map(), udp: new Map(), sctp: new Map() },
};

/** A cluster has few names of ports; one with more costs memory for each. */
const NAMES_MAX = 1000;

function listNames(port: ServicePort): ListNames {
  const names = NAMES[port.family][port.protocol];
  const known = names.get(port.portName);
  if (known !== undefined) return known;
  if (names.size >= NAMES_MAX) names.clear();
  const made: ListNames = { cluster: listName(port, "cluster"), local: listName(port, "local") };
  names.set(port.portName, made);
  return made;
}

/** The name of a ServicePort as a comment: `shop/web:http`, cut between characters to COMMENT_BYTES_MAX. */
export function commentOf(name: string): string {
  if (name.length * UTF8_BYTES_MAX <= COMMENT_BYTES_MAX) return name;
  let text = name;
  while (new TextEncoder().encode(text).length > COMMENT_BYTES_MAX) text = text.slice(0, -1);
  return text;
}

function clusterIP(name: ServiceName, address: Address): ServiceResource {
  const element = { key: canonicalKey(address), comment: commentOf(name) };
  return elementResource(PATHS[familyOf(address)]["cluster-ips"], element, address);
}

/** The key of a port's frontend at `address`. */
export function addressKey({ protocol, port }: ServicePort, address: Address): ElementKey {
  return elementKey([address, protocol, String(port)]);
}

/** The key of a port's NodePort. */
export function nodePortKey({ protocol, nodePort }: ServicePort): ElementKey {
  return elementKey([protocol, String(nodePort)]);
}

function addressFrontend(port: ServicePort, address: Address, rank: Rank): FrontendResource {
  return bareFrontend(port, "address", addressKey(port, address), address, rank);
}

function bareFrontend(
  { family, name }: ServicePort,
  at: FrontendKind,
  frontend: ElementKey,
  address: Address | undefined,
  rank: Rank,
): FrontendResource {
  return {
    kind: "frontend",
    claim: frontendClaim(family, frontend),
    at,
    family,
    address,
    rank,
    frontend,
    comment: commentOf(name),
    values: NO_VALUES,
    sources: NONE,
    slots: NO_SLOTS,
    localSlots: NO_SLOTS,
  };
}
