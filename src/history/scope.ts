// Which elements of the rules concern a Service, a port of it, an address, a block of addresses, a node, a pod or a zone.

import type { ClusterState, WithObjects } from "../fold/cluster_state.ts";
import { contains, parseAddress } from "../kube/address.ts";
import { serviceOfComment } from "../kube/named_services.ts";
import { namespaceOf } from "../kube/service_name.ts";
import type { Address } from "../nft/data_type.ts";
import type { Element } from "../nft/ruleset.ts";
import { elementText } from "../nft/text.ts";
import { directoryOf, podOf, zoneOf } from "./directory.ts";
import { isNameProblem, type NameProblem, type Subject } from "./names.ts";
import { findMeant } from "./port_names.ts";

/** Whether an element concerns a subject. */
export type Scope = (element: Element) => boolean;

/** Whether an address, with the port that follows it, concerns a subject. */
type Mentions = (address: Address, port: number | undefined) => boolean;

/** An address, and the port that follows it in a key, a value or a rule. */
const PLACES =
  /(?<![\w.:])\[?((?:\d{1,3}\.){3}\d{1,3}|[0-9a-f]*:[0-9a-f:.]*)\]?(?: \. (?:(?:tcp|udp|sctp) \. )?(\d+)|:(\d+))?(?![\w:])/g;

/** The scope of `subject`, by what `state` knows of nodes, zones and pods. */
export function scopeOf(subject: Subject, state: WithObjects): Scope {
  switch (subject.kind) {
    case "service": {
      const names = new Set((subject.port?.ports ?? []).map(({ name }) => name));
      return ({ comment }) =>
        comment !== undefined && serviceOfComment(comment) === subject.service &&
        (names.size === 0 || names.has(comment));
    }
    case "namespace":
      return ({ comment }) =>
        comment !== undefined && namespaceOf(serviceOfComment(comment)) === subject.namespace;
    case "address":
      return mentioning((address, port) =>
        address === subject.address && (subject.port === undefined || port === subject.port)
      );
    case "block":
      return mentioning((address) => contains(subject.block, address));
    case "node":
    case "zone":
    case "pod": {
      const addresses = addressesOf(subject, state);
      return mentioning((address) => addresses.has(address));
    }
  }
}

/** What concerns `text` in any of `states`: a Service may exist in one only. The problem of the first state where none knows it. */
export function scopeAmong(states: readonly ClusterState[], text: string): Scope | NameProblem {
  const scopes: Scope[] = [];
  let problem: NameProblem | undefined;
  for (const state of states) {
    const subject = findMeant(directoryOf(state), text);
    if (isNameProblem(subject)) problem ??= subject;
    else scopes.push(scopeOf(subject, state));
  }
  if (scopes.length === 0 && problem !== undefined) return problem;
  return (element) => scopes.some((scope) => scope(element));
}

function mentioning(mentions: Mentions): Scope {
  return (element) => {
    for (
      const [, text, port, other] of elementText({ key: element.key, ...valueOf(element) }).matchAll(PLACES)
    ) {
      const address = parseAddress(text!);
      const number = port ?? other;
      if (address !== undefined && mentions(address, number === undefined ? undefined : Number(number))) {
        return true;
      }
    }
    return false;
  };
}

/** Whether an address in `text` is wanted. */
export function mentionsIn(text: string, isWanted: (address: Address) => boolean): boolean {
  for (const [, found] of text.matchAll(PLACES)) {
    const address = parseAddress(found!);
    if (address !== undefined && isWanted(address)) return true;
  }
  return false;
}

/** A comment may look like an address, so it is left out. */
function valueOf({ value }: Element): { readonly value?: string } {
  return value === undefined ? {} : { value };
}

/** The addresses of a pod; of a node or zone: its own, and those of the endpoints there. */
export function addressesOf(
  subject: Subject & { readonly kind: "node" | "zone" | "pod" },
  { objects }: WithObjects,
): Set<Address> {
  const found = new Set<Address>(subject.kind === "zone" ? [] : subject.addresses);
  const nodes = nodesOf(subject, objects);
  for (const object of objects.values()) {
    if (object.kind !== "EndpointSlice") continue;
    for (const endpoint of object.endpoints) {
      const here = subject.kind === "pod"
        ? podOf(endpoint, object.metadata.namespace ?? "") === subject.pod
        : endpoint.nodeName !== undefined && nodes.has(endpoint.nodeName);
      const address = here ? parseAddress(endpoint.addresses[0] ?? "") : undefined;
      if (address !== undefined) found.add(address);
    }
  }
  return found;
}

/** The names of the nodes that a subject means. */
function nodesOf(subject: Subject, objects: WithObjects["objects"]): Set<string> {
  if (subject.kind === "node") return new Set([subject.node]);
  if (subject.kind !== "zone") return new Set();
  const there = [...objects.values()].filter((object) =>
    object.kind === "Node" && zoneOf(object) === subject.zone
  );
  return new Set(there.map(({ metadata }) => metadata.name));
}
