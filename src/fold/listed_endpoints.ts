// Which endpoints of a ServicePort are in its lists, from counts: the choice between ready, near and terminating endpoints depends on
// how many there are of each, so a change of one endpoint need not look at the others. `endpointsOf` makes the same choice.

import type { ServicePort } from "../kube/service_port.ts";
import { listsUsed, type OwnNode } from "./endpoints.ts";
import type { Host } from "./sliced_endpoints.ts";

/** How many endpoints of a ServicePort there are of each kind. */
export interface Counts {
  ready: number;
  lingering: number;
  /** On the own node, whatever their conditions. */
  local: number;
  localReady: number;
  /** Ready ones that have hints of nodes or zones, and those whose hints name the own one. */
  hintedNodes: number;
  hintedZones: number;
  forNode: number;
  forZone: number;
  /** Those with a weight of more than 1. */
  heavy: number;
}

/** Counts of no endpoint. */
export function noCounts(): Counts {
  return {
    ready: 0,
    lingering: 0,
    local: 0,
    localReady: 0,
    hintedNodes: 0,
    hintedZones: 0,
    forNode: 0,
    forZone: 0,
    heavy: 0,
  };
}

/** Adds `host` to `counts`, or takes it away. */
export function countHost(counts: Counts, host: Host, node: OwnNode, sign: 1 | -1): void {
  const { ready, lingering, local, weight, nodes, zones } = host;
  if (local) counts.local += sign;
  if (weight > 1) counts.heavy += sign;
  if (lingering) counts.lingering += sign;
  if (!ready) return;
  counts.ready += sign;
  if (local) counts.localReady += sign;
  if (nodes.length > 0) counts.hintedNodes += sign;
  if (zones.length > 0) counts.hintedZones += sign;
  if (nodes.includes(node.name)) counts.forNode += sign;
  if (zones.includes(node.zone)) counts.forZone += sign;
}

/** Which endpoints are in a list. */
export type Membership = "none" | "for the node" | "for the zone" | "ready" | "lingering";

/** The membership of both lists of `port`. */
export function memberships(
  port: ServicePort,
  counts: Counts,
  node: OwnNode,
): { readonly cluster: Membership; readonly local: Membership } {
  const uses = listsUsed(port);
  return {
    cluster: uses.cluster ? clusterMembership(counts, node) : "none",
    local: !uses.local ? "none" : counts.localReady > 0 ? "ready" : "lingering",
  };
}

function clusterMembership(counts: Counts, { name, zone }: OwnNode): Membership {
  const { ready, forNode, forZone, hintedNodes, hintedZones } = counts;
  if (name !== "" && forNode > 0 && hintedNodes === ready) return "for the node";
  if (zone !== "" && forZone > 0 && hintedZones === ready) return "for the zone";
  return ready > 0 ? "ready" : "lingering";
}

/** Whether `host` is in the list that has `membership`. */
export function isMember(
  list: "cluster" | "local",
  membership: Membership,
  host: Host,
  node: OwnNode,
): boolean {
  if (list === "local" && !host.local) return false;
  switch (membership) {
    case "none":
      return false;
    case "for the node":
      return host.ready && host.nodes.includes(node.name);
    case "for the zone":
      return host.ready && host.zones.includes(node.zone);
    case "ready":
      return host.ready;
    case "lingering":
      return host.lingering;
  }
}
