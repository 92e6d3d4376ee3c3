// Which Services and endpoints a subject means: a Service itself, or those at an address, in a block, on a node, in a zone, of a pod.

import type { ClusterState } from "../fold/cluster_state.ts";
import { contains, parseAddress } from "../kube/address.ts";
import type { LedgerDamage } from "../ledger/damage.ts";
import { endpointParts } from "../nft/text.ts";
import type { CountedElements } from "./counted_connections.ts";
import { knownPastOr } from "./last_changes.ts";
import type { Subject } from "./names.ts";
import type { Past } from "./past.ts";
import { portText } from "./service_condition.ts";
import {
  type EndpointState,
  frontendPlace,
  servicesOfState,
  type ServicesState,
  type ServiceState,
} from "./services.ts";
import { namespaceOf, readServiceName, type ServiceName } from "../kube/service_name.ts";

/** An endpoint with its Service. */
export interface ListedEndpoint extends EndpointState {
  /** `namespace/name`. */
  readonly service: string;
}

/** Is called where an older segment is damaged: what changed Services last is not known then. */
export type DamageNote = (damage: LedgerDamage) => void;

const throwDamage: DamageNote = (damage) => {
  throw damage;
};

/**
 * The Services that `subject` means in `state`, which is one of `past`; all for undefined. To find since when endpoints get traffic may
 * take the whole journal, so it is asked for alone. Throws LedgerDamage unless it is `noted`. `counted`: what the kernel has counted.
 */
export function servicesAbout(
  past: Past,
  state: ClusterState,
  subject: Subject | undefined,
  since = subject !== undefined,
  noted = throwDamage,
  counted?: CountedElements,
): ServiceState[] {
  const names = servicesOfSubject(state, subject);
  const known = knownPastOr(noted, past, state, new Set(names), since);
  return servicesOfState(state, names, { ...known, counted });
}

/** The endpoints that `subject` means, as {@link servicesAbout}, each with since when it gets traffic. */
export function endpointsAbout(
  past: Past,
  state: ClusterState,
  subject: Subject | undefined,
  noted = throwDamage,
  counted?: CountedElements,
): ListedEndpoint[] {
  return servicesAbout(past, state, subject, true, noted, counted).flatMap(({ service, endpoints }) =>
    endpoints.filter((one) => subject === undefined || isEndpointOf(subject, service, one))
      .map((one): ListedEndpoint => ({ service, ...one }))
  );
}

/** The names of the Services that `subject` means; of all for undefined. */
function servicesOfSubject(state: ServicesState, subject: Subject | undefined): ServiceName[] {
  if (subject?.kind === "service") return [subject.service];
  const names = [...state.services.keys()];
  if (subject === undefined) return names;
  if (subject.kind === "namespace") return names.filter((name) => namespaceOf(name) === subject.namespace);
  return servicesOfState(state, names).filter((one) => isServiceOf(subject, one))
    .map(({ service }) => readServiceName(service));
}

/** Whether `service` has an endpoint or a frontend that `subject` means, or is it. */
export function isServiceOf(subject: Subject, service: ServiceState): boolean {
  if (subject.kind === "service") return service.service === subject.service;
  if (subject.kind === "namespace") {
    return namespaceOf(service.service) === subject.namespace;
  }
  if (service.endpoints.some((endpoint) => isEndpointOf(subject, service.service, endpoint))) return true;
  return service.frontends.some((frontend) => isPlaceOf(subject, frontendPlace(frontend)));
}

/** Whether `subject` means `endpoint` of `service`. */
export function isEndpointOf(subject: Subject, service: string, endpoint: EndpointState): boolean {
  switch (subject.kind) {
    case "service":
      return subject.service === service &&
        (subject.port === undefined || subject.port.ports.some((port) => portText(port) === endpoint.port));
    case "node":
      return endpoint.node === subject.node;
    case "namespace":
      return namespaceOf(service) === subject.namespace;
    case "zone":
      return endpoint.zone === subject.zone;
    case "pod":
      return endpoint.pod === subject.pod;
    case "address":
    case "block":
      return isPlaceOf(subject, endpoint.endpoint);
  }
}

/** Whether `subject` is an address or block that `place`, an address with a port, is at. */
function isPlaceOf(subject: Subject, place: string): boolean {
  const parts = endpointParts(place);
  const address = parseAddress(parts?.address ?? "");
  if (parts === undefined || address === undefined) return false;
  if (subject.kind === "block") return contains(subject.block, address);
  return subject.kind === "address" && address === subject.address &&
    (subject.port === undefined || String(subject.port) === parts.port);
}
