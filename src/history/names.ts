// Finds what a text names in a state of the cluster: a Service, one of its ports, a node, a pod, a zone, an address or a block of
// addresses. Names may be given as short as they are clear.

import { type Cidr, cidrText, parseAddress, parseCidr } from "../kube/address.ts";
import { namespaceOf, readServiceName, type ServiceName, withoutNamespace } from "../kube/service_name.ts";
import type { ServicePort } from "../kube/service_port.ts";
import type { Address, Protocol } from "../nft/data_type.ts";
import { endpointText } from "../nft/text.ts";
import type { Directory } from "./directory.ts";
import { nearNames } from "./near_names.ts";

/** What a text names. */
export type Subject =
  /** `port`: the ports that were meant, of one name or number; undefined where the whole Service is meant. */
  | { readonly kind: "service"; readonly service: ServiceName; readonly port?: PortChoice }
  | { readonly kind: "node"; readonly node: string; readonly addresses: readonly Address[] }
  | { readonly kind: "pod"; readonly pod: string; readonly addresses: readonly Address[] }
  | { readonly kind: "zone"; readonly zone: string }
  /** Its Services. */
  | { readonly kind: "namespace"; readonly namespace: string }
  | {
    readonly kind: "address";
    readonly address: Address;
    readonly port?: number;
    readonly protocol?: Protocol;
  }
  | { readonly kind: "block"; readonly block: Cidr };

/** A port of a Service: one in each family. */
export interface PortChoice {
  /** Its name, `shop/web:http`. */
  readonly name: string;
  readonly ports: readonly ServicePort[];
}

/** Why a text names nothing, or not one thing. */
export interface NameProblem {
  /** `malformed`: no address and no name can be written so. */
  readonly kind: "unknown" | "ambiguous" | "malformed";
  readonly text: string;
  /** Names to choose from: those that the text can mean, or those that are near it. */
  readonly candidates: readonly string[];
  /** What is known of an unknown name: it is that of an EndpointSlice, or of a port that its Service does not have. */
  readonly instead?: string;
}

/** A text names nothing, or several things. The message has names to choose from. */
export class WrongName extends Error {
  /** For programs that cannot use instanceof. */
  override readonly name = "WrongName";
}

/** A name, with the port and protocol that follow it. */
interface Written {
  readonly name: string;
  readonly port?: string;
  readonly protocol?: Protocol;
}

/** Words before a name that say what it names: `node/worker-7`. A Service may have a namespace of that name; it comes first. */
const PREFIXES: Readonly<Record<string, Subject["kind"]>> = {
  service: "service",
  services: "service",
  svc: "service",
  node: "node",
  nodes: "node",
  pod: "pod",
  pods: "pod",
  zone: "zone",
};

/** What `text` names in `directory`. Addresses are named by any spelling, whether or not the cluster has them. */
export function findSubject(directory: Directory, text: string): Subject | NameProblem {
  const address = addressSubject(text);
  if (address !== undefined) return address;
  const trimmed = text.trim();
  if (trimmed === "" || isLikeAddress(trimmed)) return { kind: "malformed", text, candidates: [] };
  if (/^[^/]+\/$/.test(trimmed)) return namespaceNamed(directory, trimmed, text);
  const problems: NameProblem[] = [];
  for (const reading of [trimmed, ...hostReading(trimmed)]) {
    const address = reading === trimmed ? undefined : addressSubject(reading);
    if (address !== undefined) return address;
    for (const written of readings(reading)) {
      const found = matching(directory, written, text);
      if (!isNameProblem(found)) return found;
      problems.push(found);
    }
  }
  // A protocol at the end is more often one than a part of a name.
  const worst = problems.find(({ kind }) => kind === "ambiguous") ??
    problems.findLast(({ candidates, instead }) => candidates.length > 0 || instead !== undefined);
  return worst ?? { kind: "unknown", text, candidates: [] };
}

/** The address or the block of addresses that `text` is; undefined for a name, which a directory is needed for. */
export function addressSubject(text: string): Subject | undefined {
  const block = parseCidr(text.trim());
  return block === undefined ? writtenAddress(text.trim()) : { kind: "block", block };
}

/** Whether `text` can only be meant as an address or a block, and is none: `10.96.0.0/33`, `10.96.0.256`, `fd00::g`. */
function isLikeAddress(text: string): boolean {
  return /^[\d.]*\d\.\d[\d.]*(?:[:/]\d+)*$/.test(text) ||
    /^\[?[0-9a-f]*:[0-9a-z]*:[0-9a-z:.\]/]*$/i.test(text);
}

/**
 * The Service that a DNS name of the cluster means, `web.shop.svc.cluster.local`, `web.shop`, and the host of a URL: an error of a
 * program has them. Each as `shop/web:80`.
 */
function hostReading(text: string): string[] {
  const [, isUrl, host = ""] = /^([a-z][a-z0-9+.-]*:\/\/)?([^/?#]*)(?:[/?#].*)?$/i.exec(text) ?? [];
  if (isUrl === undefined && text.includes("/")) return [];
  const [, name, namespace, port = ""] =
    /^([a-z0-9-]+)\.([a-z0-9-]+)(?:\.svc(?:\.[a-z0-9.-]*)?)?(:[a-z0-9-]+)?$/i.exec(host) ?? [];
  if (name === undefined) return isUrl === undefined ? [] : [host];
  return [`${namespace}/${name}${port}`.toLowerCase(), ...(isUrl === undefined ? [] : [host])];
}

/** The namespace that `written` names with a slash behind it, `shop/`. */
function namespaceNamed({ services }: Directory, written: string, text: string): Subject | NameProblem {
  const namespace = written.slice(0, -1);
  const known = new Set([...services.keys()].map(namespaceOf));
  if (known.has(namespace)) return { kind: "namespace", namespace };
  const candidates = nearNames(namespace, known).map((name) => `${name}/`);
  const near = candidates.length === 0 ? "" : ". Near it are:";
  return {
    kind: "unknown",
    text,
    candidates,
    instead: `no Service is in this namespace at this position${near}`,
  };
}

/** A name, or `namespace/name`, as the API server accepts them (RFC 1123 subdomains). */
const NAME = /^[a-z0-9]([-.a-z0-9]*[a-z0-9])?(\/[a-z0-9]([-.a-z0-9]*[a-z0-9])?)?$/;

/** A value of a label, which the name of a zone is. */
const LABEL = /^[A-Za-z0-9]([-_.A-Za-z0-9]*[A-Za-z0-9])?$/;

/** What names can be asked for by one kind. */
export const NAME_KINDS = ["namespace", "node", "pod", "zone"] as const;
/** One of these kinds. */
export type NameKind = (typeof NAME_KINDS)[number];

/**
 * The names of a kind that begin with `prefix`, for a shell that completes them. Without a kind those of Services, nodes and pods; with ""
 * only the Services, which are fewer. Names that no object can have are left out: a ledger may have any text.
 */
export function namesBeginning(directory: Directory, prefix: string, kind?: NameKind): string[] {
  const form = kind === "zone" ? LABEL : NAME;
  return allNames(directory, prefix, kind).filter((name) => name.startsWith(prefix) && form.test(name))
    .sort();
}

function allNames({ services, nodes, pods, zones }: Directory, prefix: string, kind?: NameKind): string[] {
  switch (kind) {
    case "namespace":
      return [...new Set([...services.keys()].map(namespaceOf))];
    case "node":
      return [...nodes.keys()];
    case "pod":
      return [...pods.keys()];
    case "zone":
      return [...zones];
    case undefined:
      return [...services.keys(), ...(prefix === "" ? [] : [...nodes.keys(), ...pods.keys()])];
  }
}

/** Whether a search found no single subject. */
export function isNameProblem(found: object): found is NameProblem {
  return "candidates" in found;
}

/** What was found, as a user would name it in full. */
export function subjectText(subject: Subject): string {
  switch (subject.kind) {
    case "service":
      return subject.port?.name ?? subject.service;
    case "node":
      return `node ${subject.node}`;
    case "pod":
      return `pod ${subject.pod}`;
    case "zone":
      return `zone ${subject.zone}`;
    case "namespace":
      return `namespace ${subject.namespace}`;
    case "address":
      return subject.port === undefined ? subject.address : endpointText(subject.address, subject.port);
    case "block":
      return cidrText(subject.block);
  }
}

/** Lines that say why a text names nothing, with names to choose from. */
export function nameProblemLines({ kind, text, candidates, instead }: NameProblem): string[] {
  if (kind === "ambiguous") return [`${text} can be each of these; name one:`, ...indented(candidates)];
  if (text.trim() === "") return ["an empty name: give a Service, node, pod, zone, address or CIDR"];
  if (kind === "malformed") return [`${text}: it is no IP address and no CIDR`];
  if (instead !== undefined) return [`${text}: ${instead}`, ...indented(candidates)];
  const unknown = `${text}: no Service, node, pod or zone has this name at this position`;
  return candidates.length === 0 ? [unknown] : [`${unknown}. Near it are:`, ...indented(candidates)];
}

/** The same as one line. */
export function nameProblemText(problem: NameProblem): string {
  const [first = "", ...names] = nameProblemLines(problem);
  return names.length === 0 ? first : `${first} ${names.map((name) => name.trim()).join(", ")}`;
}

function indented(names: readonly string[]): string[] {
  // A node or pod may have any name in a slice: none may make a line of its own.
  return names.map((name) => `  ${name.replaceAll("\n", "\\n")}`);
}

/** An address, with a port and a protocol where they follow it. */
function writtenAddress(text: string): Subject | undefined {
  const { rest, protocol } = withoutProtocol(text);
  const whole = parseAddress(rest);
  if (whole !== undefined) return { kind: "address", address: whole, ...(protocol && { protocol }) };
  const match = /^(?:\[([^\]]+)\]|([\d.]+))(?::(\d{1,5}))?$/.exec(rest);
  const address = match === null ? undefined : parseAddress(match[1] ?? match[2]!);
  if (address === undefined) return undefined;
  const port = match![3] === undefined ? undefined : Number(match![3]);
  if (port === 0 || port !== undefined && port > 65_535) return undefined;
  return { kind: "address", address, ...(port && { port }), ...(protocol && { protocol }) };
}

/** `text` without `/tcp`, `/udp` or `/sctp` at its end. */
function withoutProtocol(text: string): { readonly rest: string; readonly protocol?: Protocol } {
  const match = /^(.+)\/(tcp|udp|sctp)$/i.exec(text);
  if (match === null) return { rest: text };
  const protocol = match[2]!.toLowerCase();
  return { rest: match[1]!, protocol: protocol === "udp" || protocol === "sctp" ? protocol : "tcp" };
}

/** The ways to read a text. A Service may be called `tcp`, so `shop/tcp` has two. */
function readings(text: string): Written[] {
  const split = (whole: string, protocol?: Protocol): Written => {
    const colon = whole.lastIndexOf(":");
    const port = colon < 0 ? undefined : whole.slice(colon + 1);
    return {
      name: colon < 0 ? whole : whole.slice(0, colon),
      ...(port === undefined ? {} : { port }),
      ...(protocol === undefined ? {} : { protocol }),
    };
  };
  const { rest, protocol } = withoutProtocol(text);
  return protocol === undefined ? [split(text)] : [split(text), split(rest, protocol)];
}

function matching(directory: Directory, written: Written, text: string): Subject | NameProblem {
  const exact = readServiceName(written.name);
  if (directory.services.has(exact)) return withPort(directory, exact, written, text);
  const [, prefix, rest] = /^([a-z]+)\/(.+)$/.exec(written.name) ?? [];
  const kind = prefix === undefined ? undefined : PREFIXES[prefix];
  const found = kind === undefined
    ? allNamed(directory, written.name)
    : allNamed(directory, rest!).filter((one) => one.kind === kind);
  const [only] = found;
  if (found.length > 1) return { kind: "ambiguous", text, candidates: found.map(fullName).sort() };
  if (only?.kind === "service") return withPort(directory, only.service, written, text);
  if (only !== undefined) {
    return written.port === undefined && written.protocol === undefined
      ? only
      : addressed(only, written, text);
  }
  return sliceProblem(directory, written.name, text) ??
    { kind: "unknown", text, candidates: near(directory, kind === undefined ? written.name : rest!) };
}

/** The problem of a name of an EndpointSlice, with the Service that is meant: changes name slices. Undefined for any other name. */
function sliceProblem({ slices }: Directory, written: string, text: string): NameProblem | undefined {
  const name = written.replace(/^endpointslices?\//i, "");
  const exact = slices.get(name);
  const owners = exact !== undefined
    ? [exact]
    : [...slices].filter(([slice]) => withoutNamespace(slice) === name).map(([, owner]) => owner);
  if (owners.length === 0) return undefined;
  const candidates = [...new Set(owners)].sort().slice(0, CANDIDATES_MAX);
  return { kind: "unknown", text, candidates, instead: "it is an EndpointSlice; name its Service:" };
}

/** A name that means one thing only. `node/web` may be a Service in a namespace `node`; no namespace is called `nodes` by chance. */
function fullName(subject: Subject): string {
  switch (subject.kind) {
    case "node":
      return `nodes/${subject.node}`;
    case "pod":
      return `pods/${subject.pod}`;
    case "zone":
      return `zone/${subject.zone}`;
    default:
      return subjectText(subject);
  }
}

/** Everything that has this name: with its namespace, or in any. */
function allNamed({ services, nodes, pods, zones }: Directory, name: string): Subject[] {
  const isNamed = (full: string) => full === name || withoutNamespace(full) === name;
  const node = nodes.get(name);
  return [
    ...[...services.keys()].filter(isNamed).map((service): Subject => ({ kind: "service", service })),
    ...(node === undefined ? [] : [{ kind: "node", node: name, addresses: node } as const]),
    ...[...pods].filter(([pod]) => isNamed(pod)).map(([pod, addresses]): Subject => ({
      kind: "pod",
      pod,
      addresses,
    })),
    ...(zones.has(name) ? [{ kind: "zone", zone: name } as const] : []),
  ];
}

/**
 * The names near a wrong one. One without a namespace is compared with names without theirs, which are then given in full. Of one in a
 * namespace that does not exist, as `deploy/web`, the rest may be right.
 */
function near({ services, nodes, pods, zones }: Directory, wrong: string): string[] {
  const within = [...services.keys()].filter((name) => namespaceOf(name) === wrong);
  if (within.length > 0) return [`${wrong}/`, ...within.sort()].slice(0, CANDIDATES_MAX);
  const spaced = [...services.keys(), ...pods.keys()];
  const bare = (full: string) => wrong.includes("/") ? full : withoutNamespace(full);
  const found = nearNames(wrong, [...spaced.map(bare), ...nodes.keys(), ...zones]);
  const full = found.flatMap((name) => {
    const names = spaced.filter((one) => bare(one) === name);
    return names.length === 0 || nodes.has(name) || zones.has(name) ? [name, ...names] : names;
  });
  const elsewhere = full.length > 0 || !wrong.includes("/")
    ? full
    : spaced.filter((one) => withoutNamespace(one) === withoutNamespace(wrong));
  return elsewhere.slice(0, CANDIDATES_MAX);
}

/** Most names that are offered in place of an unknown one. */
const CANDIDATES_MAX = 8;

/** The Service, or the port of it that was written by name or number. */
function withPort(
  { services }: Directory,
  service: ServiceName,
  { port, protocol }: Written,
  text: string,
): Subject | NameProblem {
  if (port === undefined && protocol === undefined) return { kind: "service", service };
  const all = services.get(service)?.() ?? [];
  const chosen = all.filter((one) =>
    (port === undefined || one.portName === port || String(one.port) === port) &&
    (protocol === undefined || one.protocol === protocol)
  );
  const names = [...new Set(chosen.map(portChoiceText))];
  if (names.length > 1) return { kind: "ambiguous", text, candidates: names };
  const [name] = names;
  if (name === undefined) {
    const onNodes = all.filter(({ nodePort }) => nodePort !== 0 && String(nodePort) === port);
    if (onNodes.length > 0) {
      const candidates = [...new Set(onNodes.map(portChoiceText))];
      return { kind: "unknown", text, candidates, instead: `${port} is the NodePort of:` };
    }
    const instead = all.length === 0
      ? `${service} has no port with a cluster IP that this program balances`
      : `${service} has no such port; it has:`;
    return { kind: "unknown", text, candidates: [...new Set(all.map(portChoiceText))], instead };
  }
  return { kind: "service", service, port: { name, ports: chosen } };
}

/** `shop/web:http`, and `shop/web:80/udp` for a port without a name. */
export function portChoiceText({ name, portName, port, protocol }: ServicePort): string {
  return portName === "" ? `${name}:${port}/${protocol}` : name;
}

/** A port of a node or a pod is a port of its first address. What cannot have that port is offered without it. */
function addressed(subject: Subject, { port, protocol }: Written, text: string): Subject | NameProblem {
  const addresses = subject.kind === "node" || subject.kind === "pod" ? subject.addresses : [];
  const number = /^\d{1,5}$/.test(port ?? "") ? Number(port) : 0;
  const [address] = addresses;
  if (address === undefined || number < 1 || number > 65_535) {
    return { kind: "unknown", text, candidates: [fullName(subject)] };
  }
  return { kind: "address", address, port: number, ...(protocol && { protocol }) };
}
