// The endpoints of a ServicePort in their slots: what its rules are made of. Here they are read from all slices, whatever was there
// before; `endpoint_index.ts` comes to the same from what changed.

import type { ServicePort } from "../kube/service_port.ts";
import type { Address } from "../nft/data_type.ts";
import { endpointsOf, type OwnNode } from "./endpoints.ts";
import { hairpin } from "./hairpins.ts";
import { type PinnedEndpoints, pinnedEndpoints } from "./pinned_endpoints.ts";
import type { ElementResource } from "./resource.ts";
import type { SlicedEndpoints } from "./sliced_endpoints.ts";
import { assignSlots, type Slots } from "./slots.ts";

/** The slots of a ServicePort's lists of endpoints. */
export interface ListSlots {
  readonly cluster: Slots;
  readonly local: Slots;
}

/** Endpoints of a ServicePort by their use; see `Endpoints`. */
export interface AssignedEndpoints extends ListSlots {
  /** How many fill slots or would, beyond the largest slot class. */
  readonly wanted: { readonly cluster: number; readonly local: number };
  readonly any: boolean;
  /** Elements for local endpoints: their pods can reach themselves through the Service. */
  readonly hairpins: readonly ElementResource[];
  readonly serving: readonly string[];
  readonly localReady: readonly Address[];
  /** Both lists, of a ServicePort with affinity and endpoints. */
  readonly pinned: PinnedEndpoints | undefined;
}

/** Most ServicePorts have no endpoint on the own node. */
const NONE: readonly ElementResource[] = [];

/** The endpoints that `slices` have for `port`. Those of `previous` keep their slots. */
export function assignedEndpoints(
  port: ServicePort,
  slices: SlicedEndpoints,
  node: OwnNode,
  previous: ListSlots,
): AssignedEndpoints {
  const endpoints = endpointsOf(port, slices, node);
  const cluster = assignSlots(previous.cluster, endpoints.cluster);
  const local = assignSlots(previous.local, endpoints.local);
  return {
    cluster,
    local,
    wanted: { cluster: endpoints.cluster.length, local: endpoints.local.length },
    any: endpoints.any,
    hairpins: endpoints.hairpins.length === 0
      ? NONE
      : endpoints.hairpins.map(({ address, port: number }) => hairpin(port, address, number)),
    serving: endpoints.serving,
    localReady: endpoints.localReady,
    pinned: isPinned(port, { cluster, local }) ? pinnedEndpoints(port.family, cluster, local) : undefined,
  };
}

/** Whether `port` has affinity, and endpoints. */
export function isPinned({ affinitySeconds }: ServicePort, { cluster, local }: ListSlots): boolean {
  return affinitySeconds > 0 && cluster.endpoints.length + local.endpoints.length > 0;
}
