// ClientIP affinity: one chain for each list of a ServicePort's endpoints, and for each endpoint the set of clients pinned to
// it. The sets have kube-proxy's shape and meaning. All frontends of a ServicePort share its pins. A pin is used while its
// endpoint is in the list, and each new connection renews it. Why is the timeout in the rule that pins and not in the set?
// So that a changed timeout takes effect without losing the pins. Why not a chain for each endpoint, as in kube-proxy? The
// kernel validates a chain once for each rule that leads to it, which was two thirds of what a new ServicePort cost others.

import type { ServicePort } from "../kube/service_port.ts";
import { addressType } from "../nft/data_type.ts";
import { chainElement, setElement } from "../nft/objects.ts";
import { type Chain, type ElementKey, elementKey, type SetDefinition } from "../nft/ruleset.ts";
import { type Rule, rule, type Statement } from "../nft/statement.ts";
import { readEndpoint } from "./endpoints.ts";
import { elementResource, type ServiceResource } from "./resource.ts";
import { OBJECT_PATHS } from "./skeleton.ts";

/** Chains of a ServicePort: all endpoints, and those of the own node. */
export type AffinityChain = "service" | "local";

/** The name of a chain of `port`: `service-shop/web/tcp/http`. */
export function affinityChain(chain: AffinityChain, port: ServicePort): string {
  return `${chain}-${nameOf(port)}`;
}

/** Chains and sets of `port` for these lists of endpoints. */
export function affinityObjects(
  port: ServicePort,
  cluster: readonly string[],
  local: readonly string[],
): ServiceResource[] {
  const endpoints = [...new Set([...cluster, ...local])].sort();
  const list = (chain: AffinityChain, members: readonly string[]) =>
    members.length === 0
      ? []
      : [chainOf(port, { name: affinityChain(chain, port), rules: choose(port, members) })];
  return [
    ...endpoints.map((endpoint) => setOf(port, pins(port, endpoint))),
    ...list("service", cluster),
    ...list("local", local),
  ];
}

/** The endpoint that the client is pinned to, or each with the same probability: one in N, one in N-1, and so on. */
function choose(port: ServicePort, members: readonly string[]): Rule[] {
  const sorted = [...members].sort();
  const pinned = sorted.map((endpoint) =>
    rule([
      { kind: "lookup", key: [`${port.family} saddr`], set: pins(port, endpoint).name },
      ...pinAndTranslate(port, endpoint),
    ])
  );
  const drawn = sorted.map((endpoint, i) => {
    const modulus = sorted.length - i;
    const draw: Statement[] = modulus === 1 ? [] : [{ kind: "one-in", modulus }];
    return rule([...draw, ...pinAndTranslate(port, endpoint)]);
  });
  return [...pinned, ...drawn];
}

/** Pins the client to `endpoint`, or renews its pin, and translates to the endpoint. */
function pinAndTranslate(port: ServicePort, endpoint: string): Statement[] {
  const { address, port: number } = readEndpoint(endpoint);
  return [
    {
      kind: "pin",
      selector: `${port.family} saddr`,
      set: pins(port, endpoint).name,
      timeoutSeconds: port.affinitySeconds,
    },
    { kind: "match", selector: "meta l4proto", operator: "==", value: port.protocol },
    { kind: "dnat-to", address, port: number },
  ];
}

function pins(port: ServicePort, endpoint: string): SetDefinition {
  const name = `${pinsOf(port)}${suffix(endpoint)}`;
  return { kind: "set", name, key: [addressType(port.family)], flag: "dynamic" };
}

/** What the names of the sets of `port` begin with. */
function pinsOf(port: ServicePort): string {
  return `affinity-${nameOf(port)}__`;
}

/** An endpoint in kube-proxy's names. A name of nft cannot have a colon, so IPv6 addresses have dots. */
function suffix(endpoint: string): string {
  const { address, port } = readEndpoint(endpoint);
  return `${address.replaceAll(":", ".")}/${port}`;
}

/** The endpoint, as `address . port`, whose clients are in the set `name`; undefined where that is no set of `port`. */
export function pinnedEndpoint(port: ServicePort, name: string): ElementKey | undefined {
  const beginning = pinsOf(port);
  if (!name.startsWith(beginning)) return undefined;
  const [address = "", number = ""] = name.slice(beginning.length).split("/");
  return elementKey([port.family === "ip6" ? address.replaceAll(".", ":") : address, number]);
}

/** kube-proxy's name of a ServicePort without the hash before it: at most 199 bytes, as each part is a label. */
function nameOf({ namespace, service, protocol, portName }: ServicePort): string {
  return `${namespace}/${service}/${protocol}/${portName}`;
}

function chainOf({ family }: ServicePort, chain: Chain): ServiceResource {
  return elementResource(OBJECT_PATHS[family].chain, chainElement(family, chain));
}

function setOf({ family }: ServicePort, set: SetDefinition): ServiceResource {
  return elementResource(OBJECT_PATHS[family].set, setElement(family, set));
}
