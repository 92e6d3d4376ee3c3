// ServicePorts for display: the frontends and where each leads, the endpoints and which traffic each gets, and the
// record that is the cause. Frontends and slots are read from the elements, not derived from the Service: where a claim
// was lost or the kernel rejected rules, they differ.

import { readiness } from "../history/object_diff.ts";
import { endpointsIn, policiesOf } from "../history/services.ts";
import { nameOfService, type ServiceName } from "../kube/service_name.ts";
import { endpointsOf } from "../fold/endpoints.ts";
import { SlicedEndpoints } from "../fold/sliced_endpoints.ts";
import { PATHS } from "../fold/skeleton.ts";
import { parseAddress } from "../kube/address.ts";
import { describeService, type EndpointSlice, type Service } from "../kube/objects.ts";
import { type ServicePort, servicePorts } from "../kube/service_port.ts";
import { canonicalKey, elementKey } from "../nft/ruleset.ts";
import { endpointText } from "../nft/text.ts";
import type { CausedElement } from "./moment.ts";
import type { View } from "./timeline.ts";

/** One ServicePort at a moment. */
export interface PortView {
  /** `shop/web:http`. */
  readonly name: string;
  readonly service: ServiceName;
  readonly port: ServicePort;
  readonly type: string;
  readonly frontends: readonly FrontendView[];
  readonly endpoints: readonly EndpointView[];
  /** How many of the endpoints get traffic. */
  readonly serving: number;
  /** Why the Service is set aside; undefined where it is not. */
  readonly aside: string | undefined;
  /** Settings that are not the default, as text. */
  readonly policies: readonly string[];
  /** Offset of the last record about it; undefined where that is before the window. */
  readonly changed: number | undefined;
}

/** A frontend of a ServicePort, and where packets to it go. */
export interface FrontendView {
  readonly kind: "cluster IP" | "external IP" | "load balancer" | "NodePort";
  /** `10.96.0.1:80`, `:30080`. */
  readonly text: string;
  readonly leads: "endpoints" | "refused" | "dropped" | "nowhere";
  /** The ServicePort whose claim holds it, where that is another one. */
  readonly holder: string | undefined;
  readonly cause: number | undefined;
}

/** One endpoint of a slice. */
export interface EndpointView {
  /** `10.244.0.1:8080`. */
  readonly text: string;
  readonly node: string;
  /** See {@link readiness}. */
  readonly condition: string;
  readonly traffic: "all" | "local" | "none";
  readonly slice: string;
  /** As the value of a slot: `10.244.0.1 . 8080`. */
  readonly value: string;
}

/** The Services of `view` by name. */
export function serviceNames({ objects }: View): ServiceName[] {
  const names: ServiceName[] = [];
  for (const { object } of objects.values()) {
    if (object.kind === "Service") names.push(nameOfService(object.metadata));
  }
  return names.sort();
}

/** The ServicePorts of Service `name`; none where it does not exist or is not proxied. */
export function portViews(view: View, name: ServiceName): PortView[] {
  const recorded = view.objects.get(describeService(name));
  if (recorded?.object.kind !== "Service") return [];
  const service: Service = recorded.object;
  const slices = [...view.slices.get(name) ?? []];
  return servicePorts(service).map((port) => {
    const frontends = frontendsOf(view, port);
    const endpoints = endpointViews(view, port, slices);
    const causes = [
      recorded.cause,
      ...frontends.map(({ cause }) => cause),
      ...slices.map(([key]) => view.objects.get(key)?.cause),
    ];
    const changed = Math.max(-1, ...causes.filter((cause) => cause !== undefined));
    return {
      name: port.name,
      service: name,
      port,
      type: service.spec.type ?? "ClusterIP",
      frontends,
      endpoints,
      serving: endpoints.filter(({ traffic }) => traffic !== "none").length,
      aside: view.surroundings.aside.get(name),
      policies: policiesOf(port),
      changed: changed < 0 ? undefined : changed,
    };
  });
}

/** The frontends of a ServicePort in the order in which they are shown. */
function frontendsOf(view: View, port: ServicePort): FrontendView[] {
  const addressed = (kind: FrontendView["kind"], address: ServicePort["clusterIP"]) =>
    frontendAt(
      view,
      port,
      kind,
      `${address} . ${port.protocol} . ${port.port}`,
      endpointText(address, port.port),
    );
  const external = port.externalIPs.map((address) =>
    addressed(port.balancerIPs.includes(address) ? "load balancer" : "external IP", address)
  );
  const nodePort = port.nodePort === 0
    ? []
    : [frontendAt(view, port, "NodePort", `${port.protocol} . ${port.nodePort}`, `:${port.nodePort}`)];
  return [addressed("cluster IP", port.clusterIP), ...external, ...nodePort];
}

/** One frontend: `key` in a map of frontends with endpoints, or in the map of those without. */
function frontendAt(
  { elements }: View,
  port: ServicePort,
  kind: FrontendView["kind"],
  key: string,
  text: string,
): FrontendView {
  const paths = PATHS[port.family];
  const [serves, refuses] = kind === "NodePort"
    ? [paths["service-nodeports"], paths["no-endpoint-nodeports"]]
    : [paths["service-ips"], paths["no-endpoint-services"]];
  const serving = elements.get(paths["single-endpoints"])?.get(canonicalKey(key)) ??
    elements.get(paths["single-external-endpoints"])?.get(canonicalKey(key)) ??
    elements.get(serves)?.get(canonicalKey(key)) ??
    // A cluster IP with two endpoints has slots alone.
    elements.get(paths.endpoints)?.get(elementKey([key, "0"]));
  const refusing = elements.get(refuses)?.get(canonicalKey(key));
  // Under a Local policy a frontend whose endpoints are all on other nodes is in both maps: this node's own packets go on.
  const found = refusing ?? serving;
  const leads = refusing !== undefined
    ? refusing.value === "drop" ? "dropped" : "refused"
    : serving === undefined
    ? "nowhere"
    : "endpoints";
  const holder = found?.comment === undefined || found.comment === port.name ? undefined : found.comment;
  return { kind, text, leads, holder, cause: found?.cause };
}

/** The endpoints in `slices`. The policy decides again which of them get traffic. */
function endpointViews(
  view: View,
  port: ServicePort,
  slices: readonly (readonly [string, EndpointSlice])[],
): EndpointView[] {
  const chosen = endpointsOf(
    port,
    new SlicedEndpoints(slices.map(([, slice]) => slice)),
    view.surroundings.node,
  );
  const [cluster, local] = [new Set(chosen.cluster), new Set(chosen.local)];
  const seen = new Map<string, EndpointView>();
  for (const [key, slice] of slices) {
    for (const [endpoint, number] of endpointsIn(port, slice)) {
      const address = parseAddress(endpoint.addresses[0] ?? "");
      if (address === undefined) continue;
      const name = `${address} . ${number}`;
      const traffic = cluster.has(name) ? "all" : local.has(name) ? "local" : "none";
      const one: EndpointView = {
        text: endpointText(address, number),
        node: endpoint.nodeName ?? "",
        condition: readiness(endpoint),
        traffic,
        slice: key,
        value: name,
      };
      // An endpoint can be in two slices while the controller moves it: the entry that is ready counts.
      if (seen.get(name)?.traffic === undefined || one.condition === "ready") seen.set(name, one);
    }
  }
  return [...seen.values()].sort((a, b) => a.text < b.text ? -1 : 1);
}

/**
 * For each endpoint of a ServicePort, in their order, the record that is its cause. Why not beside the endpoint? Most rows are
 * closed, and finding the causes of their endpoints took longer than all the rest.
 */
export function endpointCauses(view: View, { port, endpoints }: PortView): (number | undefined)[] {
  const placed = placedEndpoints(view, port);
  return endpoints.map(({ value, traffic, slice }) =>
    (traffic === "none" ? undefined : placed.get(value)) ?? view.objects.get(slice)?.cause
  );
}

/** The record that gave each endpoint its slot, by `address . port`; with affinity, the one that gave it a number. */
function placedEndpoints({ elements }: View, port: ServicePort): Map<string, number> {
  const placed = new Map<string, number>();
  const frontend = [port.clusterIP, port.protocol, String(port.port)];
  const single = elements.get(PATHS[port.family]["single-endpoints"])?.get(elementKey(frontend));
  if (single !== undefined && (single.comment === undefined || single.comment === port.name)) {
    placed.set(single.value!, single.cause);
  }
  const slots = elements.get(PATHS[port.family].endpoints)!;
  const at = (slot: number): CausedElement | undefined => slots.get(elementKey([...frontend, String(slot)]));
  for (let slot = 0, found; (found = at(slot)) !== undefined; slot++) {
    if (found.comment === undefined || found.comment === port.name) placed.set(found.value!, found.cause);
  }
  if (port.affinitySeconds === 0) return placed;
  const numbered = elements.get(PATHS[port.family]["affinity-endpoints"])!;
  for (const list of ["affinity-slots", "local-affinity-slots"] as const) {
    const numbers = elements.get(PATHS[port.family][list])!;
    const numberIn = (slot: number) => numbers.get(elementKey([...frontend, String(slot)]))?.value;
    for (let slot = 0, number; (number = numberIn(slot)) !== undefined; slot++) {
      const found = numbered.get(elementKey([...frontend, number]));
      if (found?.comment === port.name) placed.set(found.value!, found.cause);
    }
  }
  return placed;
}
