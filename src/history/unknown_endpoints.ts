// Whether the endpoints of a Service that would be applied are known: its slices are written by a controller, after the Service.

import type { ClusterState } from "../fold/cluster_state.ts";
import { ownerOf } from "../fold/fold.ts";
import { sameValue } from "../kube/equality.ts";
import {
  describeKey,
  type EndpointSlice,
  type KubeObject,
  objectKey,
  type Service,
} from "../kube/objects.ts";
import type { ServiceManifest } from "../kube/service_manifest.ts";
import { type ServiceName, serviceName } from "../kube/service_name.ts";
import { isProxied } from "../kube/service_port.ts";

/** The objects that would be stored, and further fields of the manifests. */
interface Stored {
  readonly objects: readonly KubeObject[];
  readonly manifests?: ReadonlyMap<string, ServiceManifest>;
}

/** Why endpoints of `object` are unknown, as text. `state` is that before the objects are applied. */
export function unknownEndpoints(
  { slices, services }: Pick<ClusterState, "slices" | "services">,
  object: KubeObject,
  { objects, manifests }: Stored,
): string[] {
  if (object.kind !== "Service" || isNeverServed(object)) return [];
  const name = serviceName(object.metadata.namespace ?? "", object.metadata.name);
  const applied = objects.some((one) => one.kind === "EndpointSlice" && ownerOf(one) === name);
  const known = [...slices.get(name)?.values() ?? []];
  const before = services.get(name);
  // Slices that are applied too say what the endpoints are.
  if (applied) return [];
  if (known.length === 0) {
    return before !== undefined && isProxied(before) ? [] : [`${name}: its endpoints are unknown`];
  }
  return changedChoice(name, before, object) ??
    changedPorts(name, object, known, manifests?.get(describeKey(objectKey(object))));
}

/** Headless Services and external names have no frontends. A cluster IP may still be to be allocated. */
function isNeverServed({ spec: { type, clusterIP } }: Service): boolean {
  return type === "ExternalName" || clusterIP === "None";
}

function changedChoice(name: ServiceName, before: Service | undefined, after: Service): string[] | undefined {
  const [was, is] = [before?.spec.selector, after.spec.selector];
  // Ledgers up to 0.6.0 have no selectors.
  if (was === undefined || is === undefined || sameValue(was, is)) return undefined;
  return [`${name}: its selector changes, so its endpoints are unknown`];
}

/** Ports for which the controller would write the slices anew. It does so only for Services with a selector. */
function changedPorts(
  name: ServiceName,
  { spec: { ports = [], selector } }: Service,
  known: readonly EndpointSlice[],
  manifest: ServiceManifest | undefined,
): string[] {
  if (selector === undefined) return [];
  return ports.flatMap((port) => {
    const { name: portName = "", protocol = "TCP" } = port;
    const numbers = known.flatMap((slice) =>
      slice.ports.flatMap((one) =>
        (one.name ?? "") === portName && (one.protocol ?? "TCP") === protocol ? one.port ?? [] : []
      )
    );
    const text = portName === "" ? `${port.port}/${protocol}` : portName;
    if (numbers.length === 0) {
      const slices = known.some(({ endpoints }) => endpoints.length > 0);
      return slices ? [`${name}: no slice has its port ${text} yet: the endpoints there are unknown`] : [];
    }
    const target = manifest?.targetPorts.get(portName);
    if (target === undefined || numbers.includes(target)) return [];
    return [`${name}: port ${text} gets the target port ${target}: its slices will change`];
  });
}
