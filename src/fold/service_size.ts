// How many elements a Service needs, counted from its ports, addresses and endpoints before any of them is made. The count
// does not depend on how elements are laid out, nor on which endpoints are ready: a Service does not come and go with its pods.

import { countText } from "../count_text.ts";
import { SLOT_CLASS_MAX } from "../limits/rules.ts";
import type { EndpointSlice, Service } from "../kube/objects.ts";
import { serviceFamilies } from "../kube/service_port.ts";
import { FAMILIES } from "../nft/data_type.ts";
import type { ServiceResource } from "./resource.ts";
import type { ServiceProgram } from "./service_program.ts";
import { type SlicedEndpoints, slotsOf } from "./sliced_endpoints.ts";

/** The parts of the count, for the reason of a refusal. */
export interface ServiceSize {
  /** Frontends, endpoints behind each of them, and source ranges in front of them. */
  readonly elements: number;
  readonly ports: number;
  /** Most endpoints of one port. */
  readonly endpoints: number;
  /** Most frontends of one port. */
  readonly frontends: number;
  /** Source ranges at all frontends together. */
  readonly ranges: number;
}

/**
 * The size of `service` with `slices`; nothing for one that is not proxied. Costs its ports and those of the slices. `range`: as how
 * many elements a source range counts.
 */
export function serviceSize(service: Service, slices: SlicedEndpoints, range = 1): ServiceSize {
  const families = serviceFamilies(service);
  const ports = service.spec.ports ?? [];
  let [elements, endpoints, frontends, ranges] = [0, 0, 0, 0];
  for (const { name, protocol, nodePort } of ports) {
    const one = { portName: name ?? "", protocol: (protocol ?? "TCP").toLowerCase() };
    let ofPort = 0;
    for (const family of families) {
      const behind = slices.count({ ...one, family: family.family });
      const at = 1 + family.externalIPs.length + (nodePort ? 1 : 0);
      endpoints = Math.max(endpoints, behind);
      ofPort += at;
      elements += (at + drawnLists(service)) * (1 + Math.min(behind, SLOT_CLASS_MAX));
      ranges += family.balancerIPs.length * family.sourceRanges.length;
      if (family.sourceRanges.length > 0) elements += family.balancerIPs.length;
    }
    frontends = Math.max(frontends, ofPort);
  }
  elements += range * ranges;
  return { elements, ports: families.length === 0 ? 0 : ports.length, endpoints, frontends, ranges };
}

/** With affinity each endpoint has a number and a slot besides, once for the ServicePort, as if it had two more frontends. */
function drawnLists({ spec }: Service): number {
  return spec.sessionAffinity === "ClientIP" ? 2 : 0;
}

/** Why a Service of this size is set aside. */
export function oversizeText(
  { elements, ports, endpoints, frontends, ranges }: ServiceSize,
  most: number,
): string {
  const guards = ranges === 0 ? "" : `, ${countText(ranges, "source range")} at all of them`;
  const each = `${countText(frontends, "frontend")} and ${countText(endpoints, "endpoint")}`;
  return `too large: about ${elements} elements, at most ${most} ` +
    `(${countText(ports, "port")}, up to ${each} each${guards})`;
}

/**
 * Whether a Service surely has at most `elements`: nearly all Services do, and are not counted. Each entry of each slice counts
 * for each port here.
 */
export function isSurelySmall(
  service: Service,
  slices: readonly EndpointSlice[],
  elements: number,
  range = 1,
): boolean {
  const { spec, status } = service;
  let endpoints = 1;
  for (const slice of slices) endpoints += slotsOf(slice) * slice.ports.length;
  const balancers = status?.loadBalancer?.ingress?.length ?? 0;
  const frontends = 2 + (spec.externalIPs?.length ?? 0) + balancers + drawnLists(service);
  const ranges = balancers * (1 + range * (spec.loadBalancerSourceRanges?.length ?? 0));
  return FAMILIES.length * (spec.ports?.length ?? 0) * (frontends * endpoints + ranges) <= elements;
}

/** About how many elements a program has. */
export function programElements({ resources }: ServiceProgram, range = 1): number {
  let elements = 0;
  for (const resource of resources.all) elements += resourceElements(resource, range);
  return elements;
}

/** About how many elements a resource has. */
export function resourceElements(resource: ServiceResource | undefined, range = 1): number {
  if (resource?.kind !== "frontend") return 1;
  const { slots, localSlots, sources, pinned, drawn } = resource;
  const numbered = pinned === undefined ? 0 : pinned.endpoints.size;
  const lists = drawn ? 2 * (pinned!.cluster.endpoints.length + pinned!.local.endpoints.length) : 0;
  return 1 + slots.endpoints.length + localSlots.endpoints.length + range * sources.length + numbered + lists;
}
