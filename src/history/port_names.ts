// What the number of a port names, as a firewall's log or `services` (`:30080/tcp`) has it, and what is reached at an address with a
// port: a port of a Service.

import { countText } from "../count_text.ts";
import type { Protocol } from "../nft/data_type.ts";
import type { ServicePort } from "../kube/service_port.ts";
import { readServiceName } from "../kube/service_name.ts";
import type { Directory } from "./directory.ts";
import { findSubject, isNameProblem, type NameProblem, portChoiceText, type Subject } from "./names.ts";

/** Most ports that are offered for one number. */
const PORTS_OFFERED_MAX = 8;

/** A port without what has it. */
export interface PortAlone {
  /** 1 to 65535. */
  readonly number: number;
  /** Undefined where the text does not say it. */
  readonly protocol?: Protocol | undefined;
}

const PROTOCOLS: Readonly<Record<string, Protocol>> = { tcp: "tcp", udp: "udp", sctp: "sctp" };

/** The port that `text` is, without what has it: `30080`, `:30080/tcp`; undefined for any other text. */
export function portAlone(text: string): PortAlone | undefined {
  const [, digits, protocol] = /^:?(\d{1,5})(?:\/(tcp|udp|sctp))?$/i.exec(text.trim()) ?? [];
  const number = Number(digits ?? 0);
  if (number < 1 || number > 65_535) return undefined;
  return { number, protocol: PROTOCOLS[protocol?.toLowerCase() ?? ""] };
}

/** As {@link findSubject}. The number of a port means the Service that has it, and so does a NodePort at the address of a node. */
export function findMeant(directory: Directory, text: string): Subject | NameProblem {
  const found = findSubject(directory, text);
  if (!isNameProblem(found)) return atNodePort(directory, found);
  const port = found.kind === "ambiguous" ? undefined : portAlone(text);
  return port === undefined ? found : portNamed(directory, port, text);
}

/** As {@link findMeant}. The address of a frontend means the Service that is reached there, so that its endpoints are meant. */
export function findServed(directory: Directory, text: string): Subject | NameProblem {
  const found = findMeant(directory, text);
  return isNameProblem(found) ? found : servedAt(directory, found);
}

/** The Service that is reached at `subject`, or its port, where that is an address that only Services have; else `subject`. */
function servedAt(directory: Directory, subject: Subject): Subject {
  if (subject.kind !== "address") return subject;
  const { address, port, protocol } = subject;
  const ports = portsOf(
    directory,
    (one) =>
      port === undefined
        ? one.clusterIP === address
        : one.port === port && (one.clusterIP === address || one.externalIPs.includes(address)) &&
          (protocol === undefined || one.protocol === protocol),
  );
  if (port !== undefined) return onlyChoice(ports, port) ?? subject;
  const [first] = ports;
  return first === undefined ? subject : { kind: "service", service: serviceOf(first) };
}

/** The names of the ports that have this number: NodePorts (`onNodes`), or else ports of cluster IPs. */
export function portsNumbered(
  directory: Directory,
  port: PortAlone,
): { readonly names: readonly string[]; readonly onNodes: boolean } {
  const ports = portsWithNumber(directory, port);
  return { names: choicesOf(ports), onNodes: ports.some(({ nodePort }) => nodePort === port.number) };
}

function portsWithNumber(directory: Directory, { number, protocol }: PortAlone): ServicePort[] {
  const isOf = (one: ServicePort) => protocol === undefined || one.protocol === protocol;
  const nodePorts = portsOf(directory, (one) => one.nodePort === number && isOf(one));
  return nodePorts.length > 0 ? nodePorts : portsOf(directory, (one) => one.port === number && isOf(one));
}

function portNamed(directory: Directory, port: PortAlone, text: string): Subject | NameProblem {
  const ports = portsWithNumber(directory, port);
  const only = onlyChoice(ports, port.number);
  if (only !== undefined) return only;
  const candidates = choicesOf(ports);
  if (candidates.length === 0) {
    const instead =
      `no Service has this port or NodePort at this position; an offset is written @${port.number}`;
    return { kind: "unknown", text, candidates, instead };
  }
  if (candidates.length <= PORTS_OFFERED_MAX) return { kind: "ambiguous", text, candidates };
  const instead = `${countText(candidates.length, "port")} of Services have this number; name one, such as:`;
  return { kind: "unknown", text, candidates: candidates.slice(0, PORTS_OFFERED_MAX), instead };
}

/** The port of a Service that is reached at a NodePort of a node, where `subject` is the address of a node with that port. */
function atNodePort(directory: Directory, subject: Subject): Subject {
  if (subject.kind !== "address" || subject.port === undefined) return subject;
  const { address, port, protocol } = subject;
  if (![...directory.nodes.values()].some((addresses) => addresses.includes(address))) return subject;
  const isThere = (one: ServicePort) =>
    one.nodePort === port && (protocol === undefined || one.protocol === protocol);
  return onlyChoice(portsOf(directory, isThere), port) ?? subject;
}

function portsOf({ services }: Directory, isWanted: (port: ServicePort) => boolean): ServicePort[] {
  return [...services.values()].flatMap((ports) => ports().filter(isWanted));
}

function choicesOf(ports: readonly ServicePort[]): string[] {
  return [...new Set(ports.map(portChoiceText))].sort();
}

/** `ports` as a choice, `number` where they have several names; undefined where they are none, or of several Services. */
function onlyChoice(ports: readonly ServicePort[], number: number): Subject | undefined {
  const [service, ...others] = new Set(ports.map(serviceOf));
  if (service === undefined || others.length > 0) return undefined;
  const [name = "", second] = choicesOf(ports);
  return {
    kind: "service",
    service,
    port: { name: second === undefined ? name : `${service}:${number}`, ports },
  };
}

function serviceOf({ namespace, service }: ServicePort) {
  return readServiceName(`${namespace}/${service}`);
}
