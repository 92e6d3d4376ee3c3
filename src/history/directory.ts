// The names that a state of the cluster knows: its Services, and the nodes, pods and zones that its objects mention.

import type { ClusterState, WithObjects } from "../fold/cluster_state.ts";
import { ownerOf } from "../fold/fold.ts";
import { parseAddress } from "../kube/address.ts";
import type { Node, SliceEndpoint } from "../kube/objects.ts";
import type { ServiceName } from "../kube/service_name.ts";
import { type ServicePort, servicePorts } from "../kube/service_port.ts";
import type { Address } from "../nft/data_type.ts";

/** What of a ClusterState names come from. */
export type NamedState = Pick<ClusterState, "services"> & WithObjects;

/** The names of one state. */
export interface Directory {
  /** The Services, each with its balanced ports. */
  readonly services: ReadonlyMap<ServiceName, () => readonly ServicePort[]>;
  /** The addresses of each node that has a Node object; no address for one that only endpoints name. */
  readonly nodes: ReadonlyMap<string, readonly Address[]>;
  /** The addresses of each pod, by `namespace/name`. */
  readonly pods: ReadonlyMap<string, readonly Address[]>;
  readonly zones: ReadonlySet<string>;
  /** The Service of each EndpointSlice, by the slice's `namespace/name`. */
  readonly slices: ReadonlyMap<string, ServiceName>;
}

const ZONE_LABEL = "topology.kubernetes.io/zone";
/** The field that has the zone of a Node, as the journal names fields. */
export const ZONE_FIELD = `metadata.labels.${ZONE_LABEL}`;

/** An endpoint with the fields that name its pod, which not every ledger has. */
type NamingEndpoint = SliceEndpoint & {
  readonly hostname?: string;
  readonly targetRef?: { readonly kind?: string; readonly namespace?: string; readonly name?: string };
};

/** The names of `state`. */
export function directoryOf({ objects, services }: NamedState): Directory {
  const nodes = new Map<string, readonly Address[]>();
  const pods = new Map<string, Address[]>();
  const zones = new Set<string>();
  const slices = new Map<string, ServiceName>();
  for (const object of objects.values()) {
    if (object.kind === "Node") {
      nodes.set(object.metadata.name, addressesOfNode(object));
      const zone = zoneOf(object);
      if (zone !== undefined) zones.add(zone);
    }
    if (object.kind !== "EndpointSlice") continue;
    const owner = ownerOf(object);
    if (owner !== undefined) slices.set(`${object.metadata.namespace}/${object.metadata.name}`, owner);
    for (const endpoint of object.endpoints) {
      const { nodeName, hints } = endpoint;
      if (nodeName !== undefined && !nodes.has(nodeName)) nodes.set(nodeName, []);
      for (const { name } of hints?.forZones ?? []) zones.add(name);
      const pod = podOf(endpoint, object.metadata.namespace ?? "");
      const address = parseAddress(endpoint.addresses[0] ?? "");
      if (pod === undefined || address === undefined) continue;
      const known = pods.get(pod);
      if (known === undefined) pods.set(pod, [address]);
      else if (!known.includes(address)) known.push(address);
    }
  }
  const ports = [...services].map(([name, service]) => [name, () => servicePorts(service)] as const);
  return { services: new Map(ports), nodes, pods, zones, slices };
}

/** `namespace/name` of the pod that an endpoint of a slice in `namespace` is; undefined where the ledger has no name of it. */
export function podOf(endpoint: SliceEndpoint, namespace: string): string | undefined {
  const { hostname, targetRef }: NamingEndpoint = endpoint;
  const named = targetRef?.name !== undefined && (targetRef.kind ?? "Pod") === "Pod";
  const name = named ? targetRef.name : hostname;
  return name === undefined || name === "" ? undefined : `${targetRef?.namespace ?? namespace}/${name}`;
}

/** The zone of a node, by its label; undefined without it. */
export function zoneOf({ metadata }: Node): string | undefined {
  return metadata.labels?.[ZONE_LABEL];
}

/** Internal addresses before all others. */
function addressesOfNode({ status }: Node): Address[] {
  const listed = status.addresses ?? [];
  const internal = listed.filter(({ type }) => type === "InternalIP");
  const ordered = [...internal, ...listed.filter((one) => !internal.includes(one))];
  return ordered.map(({ address }) => parseAddress(address)).filter((address) => address !== undefined);
}
