// Finds, for elements of the rules, the record that made them, when it arrived, and the commit that brought it to the kernel.

import { parseAddress } from "../kube/address.ts";
import type { ClusterState } from "../fold/cluster_state.ts";
import { serviceOfComment } from "../kube/named_services.ts";
import { plainElement } from "../nft/objects.ts";
import { type Element, type SetPath, splitSetPath } from "../nft/ruleset.ts";
import { elementText } from "../nft/text.ts";
import { type Cause, causeOf, commitOf, type CommitPlace, isDamage, placeOf } from "./cause.ts";
import { directoryOf } from "./directory.ts";
import { isNameProblem } from "./names.ts";
import type { Past, PastState } from "./past.ts";
import { findMeant } from "./port_names.ts";
import { type Scope, scopeOf } from "./scope.ts";
import { hasEndpoints } from "../fold/resource.ts";
import { commentOf } from "../fold/service_shape.ts";
import { readServiceName, type ServiceName } from "../kube/service_name.ts";
import { concatenationParts } from "../nft/data_type.ts";
import { knownPast } from "./last_changes.ts";
import type { JournalCause } from "./outages.ts";
import { servedName } from "./service_condition.ts";
import { endpointKey } from "./services.ts";

/** An element with its cause. */
export interface BlamedElement extends Element {
  /** The set or map it is in. */
  readonly set: SetPath;
  /** The object behind an endpoint, as its slice names it: `Pod shop/web-1`. Absent in ledgers up to 0.6.0. */
  readonly target?: string;
  /** Null where no record of an object made it: the configuration alone did. */
  readonly cause: Cause | null;
  /** Null where the cause was not committed, or its commit cannot be read. */
  readonly commit: CommitPlace | null;
  /** Why the commit cannot be read; absent where that is not so. */
  readonly damage?: string;
}

/**
 * The record with which the endpoint in each of `elements` began to get traffic of its frontend, in their order. An endpoint that
 * moves to another slot has a new cause there, and serves as before. Undefined for an element that is no slot, and where it serves
 * since before the oldest record that is kept.
 */
export function servingSince(
  past: Past,
  { state }: PastState,
  elements: readonly BlamedElement[],
): (JournalCause | undefined)[] {
  const slots = elements.map((element) => slotOf(element, state));
  const services = new Set(slots.flatMap((slot) => slot === undefined ? [] : [slot.service]));
  const { since } = knownPast(past, state, services, true);
  return slots.map((slot) => slot && since.get(endpointKey(slot.service, slot.served)));
}

/** The Service of an element that is a slot, and its endpoint as `servedBy` names it. */
function slotOf(
  { set, key, value, comment }: BlamedElement,
  { programs }: ClusterState,
): { readonly service: ServiceName; readonly served: string } | undefined {
  const { family, name } = splitSetPath(set);
  if (!hasEndpoints(name) || value === undefined || comment === undefined) return undefined;
  const service = readServiceName(serviceOfComment(comment));
  const protocol = concatenationParts(key).find((part) =>
    part === "tcp" || part === "udp" || part === "sctp"
  );
  const ports = (programs.get(service)?.shape?.ports ?? []).map(({ port }) => port);
  const port = ports.find((one) =>
    one.family === family && one.protocol === protocol && commentOf(one.name) === comment
  );
  return port && { service, served: servedName(port, value) };
}

/**
 * The elements of `past` that concern `what`: a Service or a port of it, an address, a block of addresses, a node, a pod, a zone, or
 * the whole key of an element.
 */
export function* blameElements(past: PastState, what: string): Generator<BlamedElement> {
  const isAbout = scopeOfText(past.state, what);
  const found: { readonly set: SetPath; readonly element: Element; readonly offset: number }[] = [];
  for (const [set, elements] of past.recorded?.elements ?? past.state.desired) {
    const causes = (past.recorded ?? past.state).causes.get(set);
    for (const element of elements.values()) {
      if (isAbout(element)) found.push({ set, element, offset: causes?.get(element.key) ?? -1 });
    }
  }
  // A ledger is read a segment at a time, so the causes are looked up in the order of their offsets.
  const answers = new Map<unknown, BlamedElement>();
  for (const one of found.toSorted((a, b) => a.offset - b.offset)) {
    answers.set(one, blamed(past, one.set, one.element));
  }
  for (const one of found) yield answers.get(one)!;
}

/** A name that the state does not know may be the key of an element, or a word of one. */
function scopeOfText(state: ClusterState, what: string): Scope {
  const isText = (element: Element) => isWritten(element, what);
  const subject = findMeant(directoryOf(state), what);
  if (isNameProblem(subject)) return isText;
  const scope = scopeOf(subject, state);
  return (element) => scope(element) || isText(element);
}

function blamed(past: PastState, set: SetPath, element: Element): BlamedElement {
  const cause = causeOf(past, set, element.key);
  const commit = cause && commitOf(past.lookup, cause.offset);
  const target = targetOf(past, element);
  return {
    set,
    ...plainElement(element),
    ...(target === undefined ? {} : { target }),
    cause: cause ?? null,
    commit: commit === undefined || isDamage(commit) ? null : placeOf(commit),
    ...(isDamage(commit) ? { damage: commit.message } : {}),
  };
}

/** What is behind the endpoint that `element` leads to, where a slice of its Service names it. */
function targetOf({ state }: PastState, { value, comment }: Element): string | undefined {
  const address = value === undefined ? undefined : concatenationParts(value)[0];
  if (address === undefined || comment === undefined) return undefined;
  for (
    const { metadata, endpoints } of state.slices.get(readServiceName(serviceOfComment(comment)))?.values() ??
      []
  ) {
    const found = endpoints.find(({ addresses: [first] }) => parseAddress(first ?? "") === address);
    if (found?.targetRef !== undefined) {
      return `${found.targetRef.kind} ${metadata.namespace}/${found.targetRef.name}`;
    }
  }
  return undefined;
}

/** Compares whole words, so that a search for 10.0.0.1 does not find 10.0.0.10. */
function isWritten(element: Element, what: string): boolean {
  const { key, comment } = element;
  if (comment !== undefined && (comment === what || serviceOfComment(comment) === what)) return true;
  return key === what || ` ${elementText(element)} `.includes(` ${what} `);
}
