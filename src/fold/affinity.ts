// ClientIP affinity: one chain for each list of a ServicePort's endpoints and, for each endpoint, one chain and the set of
// clients pinned to it. The chains have kube-proxy's shape and meaning. All frontends of a ServicePort share its pins. A pin
// is used while its endpoint is in the list, and each new connection renews it. Why is the timeout in the rule that pins
// and not in the set? So that a changed timeout takes effect without losing the pins.

import type { ServicePort } from "../kube/service_port.ts";
import { addressType } from "../nft/data_type.ts";
import { chainElement, setElement } from "../nft/objects.ts";
import type { Chain, SetDefinition } from "../nft/ruleset.ts";
import { type Rule, rule, type Statement } from "../nft/statement.ts";
import { readEndpoint } from "./endpoints.ts";
import { elementResource, type ServiceResource } from "./resource.ts";
import { OBJECT_PATHS } from "./skeleton.ts";

/** Chains of a ServicePort: all endpoints, those of the own node, and all endpoints masqueraded. */
export type AffinityChain = "service" | "local" | "external";

/** The name of a chain of `port`: `service-shop/web/tcp/http`. */
export function affinityChain(chain: AffinityChain, port: ServicePort): string {
  return `${chain}-${nameOf(port)}`;
}

/** Chains and sets of `port` for these lists of endpoints. `mark` is the bit that requests masquerading. */
export function affinityObjects(
  port: ServicePort,
  cluster: readonly string[],
  local: readonly string[],
  mark: number,
): ServiceResource[] {
  const endpoints = [...new Set([...cluster, ...local])].sort();
  const list = (chain: "service" | "local", members: readonly string[]) =>
    members.length === 0
      ? []
      : [chainOf(port, { name: affinityChain(chain, port), rules: choose(port, members) })];
  const external: Chain = {
    name: affinityChain("external", port),
    rules: [
      rule([{ kind: "mark-set", operator: "|", bits: mark }, goto(affinityChain("service", port))]),
    ],
  };
  return [
    ...endpoints.map((endpoint) => setOf(port, pins(port, endpoint))),
    ...endpoints.map((endpoint) => chainOf(port, endpointChain(port, endpoint))),
    ...list("service", cluster),
    ...list("local", local),
    ...(cluster.length > 0 ? [chainOf(port, external)] : []),
  ];
}

/** The endpoint that the client is pinned to, or each with the same probability: one in N, one in N-1, and so on. */
function choose(port: ServicePort, members: readonly string[]): Rule[] {
  const sorted = [...members].sort();
  const pinned = sorted.map((endpoint) =>
    rule([
      { kind: "lookup", key: [`${port.family} saddr`], set: pins(port, endpoint).name },
      goto(endpointName(port, endpoint)),
    ])
  );
  const drawn = sorted.map((endpoint, i) => {
    const modulus = sorted.length - i;
    const draw: Statement[] = modulus === 1 ? [] : [{ kind: "one-in", modulus }];
    return rule([...draw, goto(endpointName(port, endpoint))]);
  });
  return [...pinned, ...drawn];
}

function endpointChain(port: ServicePort, endpoint: string): Chain {
  const { address, port: number } = readEndpoint(endpoint);
  return {
    name: endpointName(port, endpoint),
    rules: [
      rule([{
        kind: "pin",
        selector: `${port.family} saddr`,
        set: pins(port, endpoint).name,
        timeoutSeconds: port.affinitySeconds,
      }]),
      rule([
        { kind: "match", selector: "meta l4proto", operator: "==", value: port.protocol },
        { kind: "dnat-to", address, port: number },
      ]),
    ],
  };
}

function pins(port: ServicePort, endpoint: string): SetDefinition {
  const name = `affinity-${suffix(port, endpoint)}`;
  return { kind: "set", name, key: [addressType(port.family)], flag: "dynamic" };
}

function endpointName(port: ServicePort, endpoint: string): string {
  return `endpoint-${suffix(port, endpoint)}`;
}

/** kube-proxy's name of an endpoint. A name of nft cannot have a colon, so IPv6 addresses have dots. */
function suffix(port: ServicePort, endpoint: string): string {
  const { address, port: number } = readEndpoint(endpoint);
  return `${nameOf(port)}__${address.replaceAll(":", ".")}/${number}`;
}

/** kube-proxy's name of a ServicePort without the hash before it: at most 199 bytes, as each part is a label. */
function nameOf({ namespace, service, protocol, portName }: ServicePort): string {
  return `${namespace}/${service}/${protocol}/${portName}`;
}

function goto(chain: string): Statement {
  return { kind: "verdict", verdict: { kind: "goto", chain } };
}

function chainOf({ family }: ServicePort, chain: Chain): ServiceResource {
  return elementResource(OBJECT_PATHS[family].chain, chainElement(family, chain));
}

function setOf({ family }: ServicePort, set: SetDefinition): ServiceResource {
  return elementResource(OBJECT_PATHS[family].set, setElement(family, set));
}
