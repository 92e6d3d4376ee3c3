// Finds what a text names at a position of a ledger, or at any time before it.

import { readServiceName } from "../kube/service_name.ts";
import { changesAbout, filterOf, needleOf } from "./changes_log.ts";
import { type Directory, directoryOf } from "./directory.ts";
import { stateToRead } from "./journal_reading.ts";
import { recordsAbout } from "./log.ts";
import { addressSubject, findSubject, isNameProblem, type NameProblem, type Subject } from "./names.ts";
import type { Past } from "./past.ts";
import { portBefore, portNumberBefore } from "./past_ports.ts";
import { findServed, portAlone } from "./port_names.ts";

/** The names that the state at `offset` of `past` knows. */
export function directoryAt(past: Past, offset: number): Directory {
  return directoryOf(stateToRead(past, offset));
}

/** Whether `text` has the form of a namespace and the name of a Service or a pod: RFC 1123 labels, and dots in that of a pod. */
export function isFullName(text: string): boolean {
  return /^[a-z0-9][-a-z0-9]*\/[a-z0-9][-a-z0-9.]*$/.test(text);
}

/**
 * What `text` names at offset `last` of `past`. A Service that was deleted before must be named in full, `shop/web`, also with a port
 * behind it: a search of the records finds it. Why not by less? The names that it had would have to be collected from the whole ledger.
 * A port that no Service has any more is found by its number.
 */
export function findServiceBefore(past: Past, last: number, text: string): Subject | NameProblem {
  const directory = directoryAt(past, last);
  const found = findServed(directory, text);
  if (!isNameProblem(found) || found.kind !== "unknown") return found;
  const port = portAlone(text);
  if (port !== undefined) return portNumberBefore(past, last, port, text);
  // A search for anything else would read the whole ledger for nothing.
  if (!isFullName(text)) return portFoundBefore(past, last, directory, text) ?? found;
  const isKnown = recordsAbout(past, { service: text }, last).next().done !== true;
  return isKnown ? { kind: "service", service: readServiceName(text) } : found;
}

/** What `text` names, where that is a port that its Service had; undefined elsewhere. */
function portFoundBefore(
  past: Past,
  last: number,
  directory: Directory,
  text: string,
): Subject | NameProblem | undefined {
  const [, written = "", port = ""] =
    /^([^:]+)((?::[a-z0-9-]+)?(?:\/(?:tcp|udp|sctp))?)$/i.exec(text.trim()) ?? [];
  if (port === "") return undefined;
  const owner = findSubject(directory, written);
  const known = !isNameProblem(owner) && owner.kind === "service" ? owner.service : undefined;
  const name = known ?? (isFullName(written) ? readServiceName(written) : undefined);
  const found = name && portBefore(past, last, name, `${name}${port}`);
  // What is wrong in the present version has been found.
  return known !== undefined && found !== undefined && isNameProblem(found) && found.kind === "unknown"
    ? undefined
    : found;
}

/**
 * As {@link findServiceBefore}; also a pod that is gone, as `shop/web-0`, a node as `nodes/node-b`, a zone as `zone/z1`, and a namespace
 * of which all Services are gone, as `shop/`.
 */
export function findSubjectBefore(past: Past, last: number, text: string): Subject | NameProblem {
  const address = addressSubject(text);
  // An address may be that of a Service now, and have been another's before; with a port what is reached there is meant.
  if (address !== undefined && (address.kind !== "address" || address.port === undefined)) return address;
  const found = findServiceBefore(past, last, text);
  if (!isNameProblem(found) || found.kind !== "unknown") return found;
  const [, namespace] = /^([a-z0-9][-a-z0-9]*)\/$/.exec(text.trim()) ?? [];
  if (namespace !== undefined) {
    return recordsAbout(past, { namespace }, last).next().done ? found : { kind: "namespace", namespace };
  }
  const gone = goneSubject(text);
  return gone !== undefined && isMentioned(past, last, gone) ? gone : found;
}

type Gone = Subject & { readonly kind: "node" | "pod" | "zone" };

/** The pod, node or zone that `text` can mean where no state knows it; undefined where it must be a Service. */
function goneSubject(text: string): Gone | undefined {
  const [, kind = "pod", name = text] = /^(node|pod|zone)s?\/(.+)$/.exec(text) ?? [];
  if (kind === "node") return { kind, node: name, addresses: [] };
  if (kind === "zone") return { kind, zone: name };
  return isFullName(name) ? { kind: "pod", pod: name, addresses: [] } : undefined;
}

/** Whether any change up to offset `last` is about `subject`. */
function isMentioned(past: Past, last: number, subject: Gone): boolean {
  const name = subject.kind === "node" ? subject.node : subject.kind === "pod" ? subject.pod : subject.zone;
  return changesAbout(past, last, { ...needleOf(name), ...filterOf(subject, past, last) }).next().done !==
    true;
}
