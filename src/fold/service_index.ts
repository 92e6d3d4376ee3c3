// The endpoint indexes of one Service, one for each ServicePort. They share what was read of the slices.

import type { EndpointSlice } from "../kube/objects.ts";
import type { ServicePort } from "../kube/service_port.ts";
import type { AssignedEndpoints, ListSlots } from "./assigned_endpoints.ts";
import { EndpointIndex } from "./endpoint_index.ts";
import type { OwnNode } from "./endpoints.ts";
import { type SliceHosts, sliceHosts } from "./slice_hosts.ts";
import type { SlicedEndpoints } from "./sliced_endpoints.ts";

/** The indexes, seen from node `node`. */
export class ServiceIndex {
  readonly #ports = new Map<string, EndpointIndex>();
  #hosts = new Map<string, SliceHosts>();

  constructor(readonly node: OwnNode) {}

  /** Takes over the slices of the Service. */
  read(slices: readonly EndpointSlice[]): void {
    const before = this.#hosts;
    this.#hosts = new Map(slices.map((slice) => {
      const { name } = slice.metadata;
      const known = before.get(name);
      return [name, known?.slice === slice ? known : sliceHosts(slice, this.node.name, known)];
    }));
  }

  /** As `assignedEndpoints`; undefined where that is to be asked. `slices` are those that were read, and `key` names the port. */
  assign(
    key: string,
    port: ServicePort,
    slices: SlicedEndpoints,
    previous: ListSlots,
  ): AssignedEndpoints | undefined {
    let index = this.#ports.get(key);
    if (index === undefined) this.#ports.set(key, index = new EndpointIndex(this.node));
    const parts = slices.find(port).map(({ slice: { metadata: { name } }, number }) => ({
      hosts: this.#hosts.get(name)!,
      number,
    }));
    return index.assign(port, parts, previous);
  }

  /** Forgets ports that the Service does not have any more: those not in `keys`. */
  retain(keys: ReadonlySet<string>): void {
    for (const key of this.#ports.keys()) if (!keys.has(key)) this.#ports.delete(key);
  }
}
