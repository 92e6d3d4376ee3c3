// Which Services and endpoints a subject means: a Service itself, or those at an address, in a block, on a node, in a zone, of a pod.

import { contains, parseAddress } from "../kube/address.ts";
import { endpointParts } from "../nft/text.ts";
import type { Subject } from "./names.ts";
import { portText } from "./service_condition.ts";
import { type EndpointState, servicesOfState, type ServicesState, type ServiceState } from "./services.ts";
import type { ServiceName } from "../kube/service_name.ts";

/** The names of the Services that `subject` means; of all for undefined. */
export function servicesOfSubject(state: ServicesState, subject: Subject | undefined): ServiceName[] {
  if (subject?.kind === "service") return [subject.service];
  const names = [...state.services.keys()];
  if (subject === undefined) return names;
  return names.filter((name) => servicesOfState(state, [name]).some((one) => isServiceOf(subject, one)));
}

/** Whether `service` has an endpoint or a frontend that `subject` means, or is it. */
export function isServiceOf(subject: Subject, service: ServiceState): boolean {
  if (subject.kind === "service") return service.service === subject.service;
  if (service.endpoints.some((endpoint) => isEndpointOf(subject, service.service, endpoint))) return true;
  return service.frontends.some(({ text }) => isPlaceOf(subject, text.replace(/\/\w+$/, "")));
}

/** Whether `subject` means `endpoint` of `service`. */
export function isEndpointOf(subject: Subject, service: string, endpoint: EndpointState): boolean {
  switch (subject.kind) {
    case "service":
      return subject.service === service &&
        (subject.port === undefined || subject.port.ports.some((port) => portText(port) === endpoint.port));
    case "node":
      return endpoint.node === subject.node;
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
