// Makes a packet of names: from a pod, a node or an address to a Service, a node's port or an address.

import { familyOf } from "../kube/address.ts";
import type { ServicePort } from "../kube/service_port.ts";
import type { Address, Protocol } from "../nft/data_type.ts";
import type { Directory } from "./directory.ts";
import {
  findSubject,
  isNameProblem,
  type NameProblem,
  portChoiceText,
  type Subject,
  subjectText,
} from "./names.ts";
import { readPacket } from "./packet_words.ts";
import { type PortAlone, portAlone, portsNumbered } from "./port_names.ts";
import type { Packet } from "./trace.ts";

/** A text that begins as an address does is no name: the message must be about the form of an address. */
const ADDRESS_LIKE = /^(?:\[|\d+\.\d|[0-9a-f]*:[0-9a-f]*:)/i;

/** A frontend or an endpoint that a packet can be sent to. */
interface Target {
  readonly address: Address;
  readonly port: number;
  readonly protocol: Protocol;
}

/**
 * The packet from `source` to `target`, received by interface `from`; else what is wrong: a text about the form, or names to choose
 * from. The target of a Service is its cluster IP of the sender's address family.
 */
export function packetOfNames(
  directory: Directory,
  source: string,
  target: string,
  from?: string,
): Packet | NameProblem | string {
  const plain = readPacket(source, target, from);
  if (typeof plain !== "string") return plain;
  const alone = portAlone(target);
  if (alone !== undefined) return portAloneText(directory, alone, target);
  const sender = findSubject(directory, source);
  const receiver = findSubject(directory, target);
  for (const [text, found] of [[source, sender], [target, receiver]] as const) {
    if (isNameProblem(found)) return ADDRESS_LIKE.test(text) ? plain : found;
  }
  if (isNameProblem(sender) || isNameProblem(receiver)) return plain;
  const senders = sendersOf(sender);
  if (senders.length === 0 && (sender.kind === "node" || sender.kind === "pod")) {
    return `${source}: the ledger has no address of this ${sender.kind}; give the address that it sends from`;
  }
  if (senders.length === 0) return `${source}: it must be the IP address of the sender, a pod or a node`;
  const targets = targetsOf(directory, receiver, target);
  if (typeof targets === "string" || isNameProblem(targets)) return targets;
  for (const address of senders) {
    const one = targets.find((one) => familyOf(one.address) === familyOf(address));
    if (one === undefined) continue;
    const { address: destination, port, protocol } = one;
    return {
      source: address,
      destination,
      port,
      protocol,
      ...(from === undefined ? {} : { interface: from }),
    };
  }
  return `${subjectText(sender)} and ${subjectText(receiver)} are of two address families`;
}

/** What to write in place of the number of a port: a packet needs an address too. */
function portAloneText(directory: Directory, port: PortAlone, text: string): string {
  const { number, protocol = "tcp" } = port;
  const { names, onNodes } = portsNumbered(directory, port);
  const node = [...directory.nodes].find(([, addresses]) => addresses.length > 0)?.[0] ?? "NODE";
  const way = onNodes ? `${node}:${number}/${protocol}` : "ADDRESS:PORT/PROTO, NODE:PORT/PROTO";
  if (names.length === 0) return `${text}: it is a port alone; give ${way} or a Service`;
  const more = names.length > 3 ? `, or another of ${names.length}` : "";
  return `${text}: it is a port alone; give ${way} or ${names.slice(0, 3).join(", ")}${more}`;
}

function sendersOf(subject: Subject): readonly Address[] {
  if (subject.kind === "address") return subject.port === undefined ? [subject.address] : [];
  return subject.kind === "node" || subject.kind === "pod" ? subject.addresses : [];
}

function targetsOf(
  { services }: Directory,
  subject: Subject,
  text: string,
): readonly Target[] | NameProblem | string {
  switch (subject.kind) {
    case "address": {
      const { address, port, protocol = "tcp" } = subject;
      return port === undefined
        ? `${text}: it must be ADDRESS:PORT/PROTO, such as 10.96.0.1:443/tcp or [fd00::1]:53/udp, or a Service`
        : [{ address, port, protocol }];
    }
    case "service": {
      const all = subject.port?.ports ?? services.get(subject.service)?.() ?? [];
      const candidates = [...new Set(all.map(portChoiceText))];
      if (candidates.length > 1) return { kind: "ambiguous", text, candidates };
      if (candidates.length === 0) {
        return `${subject.service}: it has no cluster IP that this program balances`;
      }
      return all.map(frontendOfPort);
    }
    case "node":
    case "pod":
      return `${text}: it must have a port, as ${text}:80/tcp`;
    case "namespace":
    case "zone":
    case "block":
      return `${text}: it must be a Service, ADDRESS:PORT/PROTO, or a node or pod with a port`;
  }
}

function frontendOfPort({ clusterIP, port, protocol }: ServicePort): Target {
  return { address: clusterIP, port, protocol };
}
