// Finds what a text names at a position of a ledger, or at any time before it.

import { readServiceName } from "../kube/service_name.ts";
import { type Directory, directoryOf } from "./directory.ts";
import { stateToRead } from "./journal_reading.ts";
import { recordsAbout } from "./log.ts";
import { addressSubject, findSubject, isNameProblem, type NameProblem, type Subject } from "./names.ts";
import type { Past } from "./past.ts";

/** The names that the state at `offset` of `past` knows. */
export function directoryAt(past: Past, offset: number): Directory {
  return directoryOf(stateToRead(past, offset));
}

/** Namespace and name of a Service, both RFC 1123 labels. A search for anything else would read the whole ledger for nothing. */
const FULL_NAME = /^[a-z0-9][-a-z0-9]*\/[a-z0-9][-a-z0-9]*$/;

/**
 * What `text` names at offset `last` of `past`. A Service that was deleted before must be named in full, `shop/web`: a search of
 * the records finds it. Why not by less? The names that it had would have to be collected from the whole ledger.
 */
export function findSubjectBefore(past: Past, last: number, text: string): Subject | NameProblem {
  const address = addressSubject(text);
  if (address !== undefined) return address;
  const found = findSubject(directoryAt(past, last), text);
  if (!isNameProblem(found) || found.kind !== "unknown" || !FULL_NAME.test(text)) return found;
  const isKnown = recordsAbout(past, { service: text }).next().done !== true;
  return isKnown ? { kind: "service", service: readServiceName(text) } : found;
}
