// The indexes of all Services with many endpoints, as far as there is room. One that is not kept is made again, which costs about as
// much as doing without it.

import { INDEXED_ENDPOINTS_MAX, INDEXED_ENDPOINTS_MIN } from "../limits/rules.ts";
import type { EndpointSlice, Service } from "../kube/objects.ts";
import type { ServiceName } from "../kube/service_name.ts";
import { serviceFamilies } from "../kube/service_port.ts";
import type { OwnNode } from "./endpoints.ts";
import { ServiceIndex } from "./service_index.ts";
import type { ServiceProgram } from "./service_program.ts";

/** What decides whether a Service has an index. */
export interface Indexed {
  readonly service: Service;
  readonly slices: readonly EndpointSlice[];
  /** Its program so far: one without a program has no index, because most Services are made once and change later, if at all. */
  readonly previous: ServiceProgram;
  readonly node: OwnNode;
}

/** The indexes, the one that was used last at the end. */
export class EndpointIndexes {
  readonly #services = new Map<ServiceName, { readonly index: ServiceIndex; readonly size: number }>();
  #size = 0;

  /** `least`: the fewest endpoints of a Service with an index; `most`: those of all of them together, for each port. */
  constructor(readonly least = INDEXED_ENDPOINTS_MIN, readonly most = INDEXED_ENDPOINTS_MAX) {}

  /** The index of a Service, with its slices as they are; undefined where none is kept. */
  of(name: ServiceName, { service, slices, previous: { shape }, node }: Indexed): ServiceIndex | undefined {
    let endpoints = 0;
    for (const slice of slices) endpoints += slice.endpoints.length;
    // Nearly all Services end here.
    if (endpoints < this.least && this.#services.size === 0) return undefined;
    const size = shape === undefined ? 0 : endpoints * portsOf(service, shape);
    const known = this.#services.get(name);
    this.forget(name);
    if (size === 0 || endpoints < this.least || size > this.most) return undefined;
    const { name: ownNode, zone } = known?.index.node ?? node;
    const index = known !== undefined && ownNode === node.name && zone === node.zone
      ? known.index
      : new ServiceIndex(node);
    index.read(slices);
    index.retain(new Set(shape!.ports.map(({ lists }) => lists.cluster)));
    this.#services.set(name, { index, size });
    this.#size += size;
    for (const oldest of this.#services.keys()) {
      if (this.#size <= this.most) break;
      this.forget(oldest);
    }
    return index;
  }

  /** Removes the index of a Service. */
  forget(name: ServiceName): void {
    this.#size -= this.#services.get(name)?.size ?? 0;
    this.#services.delete(name);
  }
}

/** How many ports the index gets: those of the Service as it is now, which may be more than those of its program so far. */
function portsOf(service: Service, shape: NonNullable<ServiceProgram["shape"]>): number {
  if (shape.service === service) return shape.ports.length;
  return serviceFamilies(service).length * (service.spec.ports?.length ?? 0);
}
