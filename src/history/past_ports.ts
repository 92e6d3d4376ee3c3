// Finds ports that Services had: a port of a Service that is gone, or that has lost it, and the ports that had a number.

import type { Service } from "../kube/objects.ts";
import { nameOfService, type ServiceName } from "../kube/service_name.ts";
import { type ServicePort, servicePorts } from "../kube/service_port.ts";
import type { Directory } from "./directory.ts";
import type { JournalEntry } from "./journal.ts";
import { journalBackward } from "./journal_reading.ts";
import { findSubject, isNameProblem, type NameProblem, portChoiceText, type Subject } from "./names.ts";
import { type Lookup, type Past, stateAt } from "./past.ts";
import { findMeant, type PortAlone } from "./port_names.ts";

/**
 * The port of Service `name` that `text` names in the newest version up to offset `last` that has such a port. Where none had one, what
 * is wrong in the newest version; undefined where there never was a Service of that name.
 */
export function portBefore(
  past: Past,
  last: number,
  name: ServiceName,
  text: string,
): Subject | NameProblem | undefined {
  let problem: NameProblem | undefined;
  for (const version of versionsOf(past, last, name)) {
    const found = findSubject(directoryOfPorts([[name, servicePorts(version)]]), text);
    if (!isNameProblem(found) || found.kind === "ambiguous") return found;
    problem ??= found;
  }
  return problem;
}

/** As {@link findMeant}, of the number of a port, among all ports that Services had up to offset `last`. */
export function portNumberBefore(
  past: Past,
  last: number,
  port: PortAlone,
  text: string,
): Subject | NameProblem {
  const had = new Map<ServiceName, Map<string, ServicePort>>();
  for (const version of versionsWith(past, last, port.number)) {
    const name = nameOfService(version.metadata);
    const ports = had.get(name) ?? new Map<string, ServicePort>();
    had.set(name, ports);
    for (const one of servicePorts(version)) {
      if (one.port !== port.number && one.nodePort !== port.number) continue;
      const key = `${one.family} ${portChoiceText(one)} ${one.nodePort}`;
      // The newest version is the first.
      if (!ports.has(key)) ports.set(key, one);
    }
  }
  const found = findMeant(
    directoryOfPorts([...had].map(([name, ports]) => [name, [...ports.values()]])),
    text,
  );
  return !isNameProblem(found) || found.candidates.length > 0 ? found : {
    ...found,
    instead: `no Service has or had this port or NodePort; an offset is written @${port.number}`,
  };
}

function directoryOfPorts(services: readonly (readonly [ServiceName, readonly ServicePort[]])[]): Directory {
  return {
    services: new Map(services.map(([name, ports]) => [name, () => ports])),
    ...{ nodes: new Map(), pods: new Map(), zones: new Set(), slices: new Map() },
  };
}

/** The versions of Service `name` up to offset `last`, newest first. */
function* versionsOf(past: Past, last: number, name: ServiceName): Generator<Service> {
  const lookup = past.lookup();
  for (const entry of journalBackward(past, last, { service: name, details: false })) {
    if (entry.object === `Service ${name}`) yield* versionAt(lookup, entry);
  }
  const before = servicesBefore(past)?.get(name);
  if (before !== undefined) yield before;
}

/** Versions of Services up to offset `last`, newest first: among them all in which a port got this number. */
function* versionsWith(past: Past, last: number, number: number): Generator<Service> {
  const lookup = past.lookup();
  const part = { details: true, mentions: isAboutService };
  for (const entry of journalBackward(past, last, part)) {
    if (isAboutService(entry.object) && mayBring(entry, number)) yield* versionAt(lookup, entry);
  }
  yield* servicesBefore(past)?.values() ?? [];
}

function isAboutService(text: string): boolean {
  return text.startsWith("Service ");
}

/** Whether a port can have got `number` with this change. The text of a Service that appeared has no NodePorts. */
function mayBring({ verb, text, fields }: JournalEntry, number: number): boolean {
  return verb === "appeared"
    ? /^(?:NodePort|LoadBalancer) /.test(text) ||
      text.split(/[ :]/).some((word) => word.startsWith(`${number}/`))
    : fields.some(({ path, is }) => /\.(?:nodeP|p)ort$/.test(path) && is === String(number));
}

/** The Service after the change that `entry` is of, where it is there and the record is kept. */
function versionAt(lookup: Lookup, { offset, verb }: JournalEntry): Service[] {
  const record = verb === "gone" ? undefined : lookup(offset)?.record;
  return record?.kind === "event" && record.value?.kind === "Service" ? [record.value] : [];
}

/** The Services before the oldest record that is kept. */
function servicesBefore(past: Past): ReadonlyMap<ServiceName, Service> | undefined {
  const first = past.first();
  return first === 0 ? undefined : stateAt(past, first - 1).state.services;
}
