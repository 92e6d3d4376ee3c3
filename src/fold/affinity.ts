// ClientIP affinity: a chain for each list of a ServicePort and, for each endpoint, a chain and the set of the clients
// pinned to it. kube-proxy's shape and meaning: a pin belongs to the ServicePort, whichever frontend it was made through,
// counts while its endpoint is in the list, and begins anew with each connection. The timeout is in the rule that
// pins, not in the set, so that a changed one takes effect and keeps the pins there are.

import type { ServicePort } from "../kube/service_port.ts";
import { type Address, addressType } from "../nft/data_type.ts";
import { chainElement, setElement } from "../nft/objects.ts";
import type { Chain, SetDefinition } from "../nft/ruleset.ts";
import { type Rule, rule, type Statement } from "../nft/statement.ts";
import { elementResource, type ServiceResource } from "./resource.ts";
import { OBJECT_PATHS } from "./skeleton.ts";

/** Chains of a ServicePort: all endpoints, those of the own node, and all endpoints masqueraded. */
export type AffinityChain = "service" | "local" | "external";

/** The name of a chain of `port`: `service-shop/web/tcp/http`. */
export function affinityChain(chain: AffinityChain, port: ServicePort): string {
  return `${chain}-${nameOf(port)}`;
}

/** Chains and sets of `port` with these lists of endpoints, each `address . port`; `mark` asks for masquerading. */
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

/** First the endpoint the client is pinned to; else each with the same probability: one in N, one in N-1, ... */
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
  const [address, number] = endpoint.split(" . ") as [Address, string];
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
        { kind: "dnat-to", address, port: Number(number) },
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

/** kube-proxy's name of an endpoint: nft's names have no colons. */
function suffix(port: ServicePort, endpoint: string): string {
  return `${nameOf(port)}__${endpoint.replace(" . ", "/").replaceAll(":", ".")}`;
}

/** kube-proxy's name of a ServicePort, without the hash in front; at most 199 bytes, by the rules for names. */
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
