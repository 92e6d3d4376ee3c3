// Whether a Service can be reached at its cluster IPs: how many endpoints get its traffic, and which of its ports have none.

import type { ClusterState } from "../fold/cluster_state.ts";
import { portOfList } from "../fold/endpoints.ts";
import { NO_PROGRAM, type ServiceProgram } from "../fold/service_program.ts";
import type { ServiceName } from "../kube/service_name.ts";
import { isProxied, type ServicePort, servicePorts } from "../kube/service_port.ts";
import { endpointText } from "../nft/text.ts";

/** What of a ClusterState decides a condition. */
export type ConditionState = Pick<ClusterState, "services" | "programs" | "aside">;

/** The condition of one Service on this node. */
export interface ServiceCondition {
  /** How many endpoints get traffic, over all ports. */
  readonly serving: number;
  /** The ports whose cluster IP leads to no endpoint, each by its name or number; all where the Service is set aside. */
  readonly lacking: readonly string[];
}

/** The condition of Service `name`; undefined where it does not exist or is not proxied. */
export function conditionOfService(
  { services, programs, aside }: ConditionState,
  name: ServiceName,
): ServiceCondition | undefined {
  const service = services.get(name);
  if (service === undefined || !isProxied(service)) return undefined;
  if (aside.has(name)) return { serving: 0, lacking: servicePorts(service).map(portText) };
  const program = programs.get(name) ?? NO_PROGRAM;
  const endpoints = new Set([...program.slots.values()].flatMap(({ endpoints }) => endpoints));
  const lacking = (program.shape?.ports ?? []).flatMap(({ port, lists }) =>
    program.slots.has(port.internalLocal ? lists.local : lists.cluster) ? [] : [portText(port)]
  );
  return { serving: endpoints.size, lacking };
}

/** `http`, `80` for a port without a name; with `(IPv6)` behind it in that family. */
export function portText({ portName, port, family }: ServicePort): string {
  return `${portName === "" ? port : portName}${family === "ip6" ? " (IPv6)" : ""}`;
}

/**
 * The endpoints that get traffic of a Service, each with the port of the Service that it is for: `ip tcp http 10.244.0.1 . 8080`. Both
 * of its lists count: an endpoint that one policy uses and the other does not serves.
 */
export function servedBy({ slots }: ServiceProgram): Set<string> {
  const served = new Set<string>();
  for (const [list, { endpoints }] of slots) {
    const port = portOfList(list);
    for (const endpoint of endpoints) served.add(`${port} ${endpoint}`);
  }
  return served;
}

/** The name in {@link servedBy} of `endpoint` (`10.244.0.1 . 8080`) as an endpoint of `port`. */
export function servedName({ family, protocol, portName }: ServicePort, endpoint: string): string {
  return `${family} ${protocol} ${portName} ${endpoint}`;
}

/** Whether an endpoint as {@link servedBy} names it is one of the port that {@link portText} names. */
export function isServedAt(served: string, port: string): boolean {
  const [family, , portName = ""] = served.split(" ");
  const suffix = family === "ip6" ? " (IPv6)" : "";
  // A port without a name is the only one of its Service.
  return portName === "" ? port.endsWith("(IPv6)") === (family === "ip6") : port === `${portName}${suffix}`;
}

/** `10.244.0.1:8080` of an endpoint as {@link servedBy} names it. */
export function servedText(served: string): string {
  const [address = "", , port = ""] = served.split(" ").slice(-3);
  return endpointText(address, port);
}
