// Finds, for elements of the rules, the record that made them, when it arrived, and the commit that brought it to the kernel.

import { serviceOfComment } from "../kube/named_services.ts";
import { plainElement } from "../nft/objects.ts";
import type { Element, SetPath } from "../nft/ruleset.ts";
import { elementText } from "../nft/text.ts";
import { type Cause, causeOf, commitOf, type CommitPlace, placeOf } from "./cause.ts";
import type { PastState } from "./past.ts";

/** An element with its cause. */
export interface BlamedElement extends Element {
  /** The set or map it is in. */
  readonly set: SetPath;
  /** Null where no record of an object made it: the configuration alone did. */
  readonly cause: Cause | null;
  /** Null where the cause was not committed. */
  readonly commit: CommitPlace | null;
}

/** The elements of `past` that concern `what`: a Service, a ServicePort, an address, or the whole key of an element. */
export function* blameElements(past: PastState, what: string): Generator<BlamedElement> {
  for (const [set, elements] of past.recorded?.elements ?? past.state.desired) {
    for (const element of elements.values()) {
      if (isAbout(element, what)) yield blamed(past, set, element);
    }
  }
}

function blamed(past: PastState, set: SetPath, element: Element): BlamedElement {
  const cause = causeOf(past, set, element.key);
  const commit = cause && commitOf(past.lookup, cause.offset);
  return {
    set,
    ...plainElement(element),
    cause: cause ?? null,
    commit: commit === undefined ? null : placeOf(commit),
  };
}

/** Compares whole words, so that a search for 10.0.0.1 does not find 10.0.0.10. */
function isAbout(element: Element, what: string): boolean {
  const { key, comment } = element;
  if (comment !== undefined && (comment === what || serviceOfComment(comment) === what)) return true;
  return key === what || ` ${elementText(element)} `.includes(` ${what} `);
}
