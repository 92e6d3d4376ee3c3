// Connections that elements in the kernel have counted, each since it was made, by Service, frontend and endpoint. The caller reads
// them: a ledger has no counts.

import { frontendInKey } from "../fold/resource.ts";
import { commentOf } from "../fold/service_shape.ts";
import { REFUSING_MAPS } from "../fold/skeleton.ts";
import { serviceOfComment } from "../kube/named_services.ts";
import type { Family } from "../nft/data_type.ts";
import { type ElementCount, type ElementKey, type SetPath, splitSetPath } from "../nft/ruleset.ts";

/** Connections by what became of them. */
export interface CountedConnections {
  /** An endpoint got them. */
  readonly served: number;
  /** First packets that were rejected or dropped, because there was no endpoint. */
  readonly refused: number;
}

/** The connections of one Service. */
export interface CountedService extends CountedConnections {
  /** `namespace/name`. */
  readonly service: string;
}

/** What the elements of a kernel had counted when they were read. */
export interface CountedElements {
  /** By Service. */
  readonly services: ReadonlyMap<string, CountedConnections>;
  /** By {@link frontendCount}. */
  readonly frontends: ReadonlyMap<string, CountedConnections>;
  /** By {@link endpointCount}. */
  readonly endpoints: ReadonlyMap<string, number>;
  /** By map and key. */
  readonly elements: ReadonlyMap<SetPath, ReadonlyMap<ElementKey, number>>;
}

const NONE: CountedConnections = { served: 0, refused: 0 };

/** Sums `counts`, which are all of a kernel. */
export function countedElements(counts: readonly ElementCount[]): CountedElements {
  const services = new Map<string, CountedConnections>();
  const frontends = new Map<string, CountedConnections>();
  const endpoints = new Map<string, number>();
  const elements = new Map<SetPath, Map<ElementKey, number>>();
  for (const { set, element: { key, value = "", comment = "" }, packets } of counts) {
    const ofMap = elements.get(set) ?? new Map<ElementKey, number>();
    // A map that changes while it is read may have an element twice.
    if (ofMap.has(key)) continue;
    elements.set(set, ofMap.set(key, packets));
    const { family, name } = splitSetPath(set);
    const isRefusing = REFUSING_MAPS.has(name);
    const one = isRefusing ? { served: 0, refused: packets } : { served: packets, refused: 0 };
    add(services, serviceOfComment(comment), one);
    add(frontends, `${family} ${frontendInKey(set, key)}`, one);
    if (!isRefusing) {
      const endpoint = `${comment} ${value}`;
      endpoints.set(endpoint, (endpoints.get(endpoint) ?? 0) + packets);
    }
  }
  return { services, frontends, endpoints, elements };
}

/** The connections to a frontend, by its key. */
export function frontendCount(
  { frontends }: CountedElements,
  family: Family,
  frontend: ElementKey,
): CountedConnections {
  return frontends.get(`${family} ${frontend}`) ?? NONE;
}

/** The connections to an endpoint of a ServicePort, by their names: `shop/web:http`, `10.244.0.1 . 8080`. */
export function endpointCount({ endpoints }: CountedElements, port: string, endpoint: ElementKey): number {
  return endpoints.get(`${commentOf(port)} ${endpoint}`) ?? 0;
}

/** The connections of a Service. */
export function serviceCount({ services }: CountedElements, service: string): CountedConnections {
  return services.get(service) ?? NONE;
}

/** The `most` Services with the most connections, none without any. */
export function busiestServices({ services }: CountedElements, most: number): CountedService[] {
  return [...services].map(([service, counted]) => ({ service, ...counted }))
    .filter(({ served, refused }) => served + refused > 0)
    .sort((a, b) => b.served + b.refused - a.served - a.refused || (a.service < b.service ? -1 : 1))
    .slice(0, most);
}

function add(sums: Map<string, CountedConnections>, name: string, more: CountedConnections): void {
  const { served, refused } = sums.get(name) ?? NONE;
  sums.set(name, { served: served + more.served, refused: refused + more.refused });
}
