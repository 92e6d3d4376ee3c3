// Shortens long lists for people: a Service may have thousands of endpoints, and its rules an element for each.

import type { Outcome } from "./trace.ts";

/** Most entries of a list that is shown whole. */
const WHOLE_MAX = 16;
/** How many of a longer list are shown. */
const LISTED_MAX = 8;

/** A list of which the first entries are shown. */
export interface Shortened<T> {
  readonly shown: readonly T[];
  /** Empty where all are shown. */
  readonly more: readonly T[];
}

/** `all`, or the first of it. */
export function shortened<T>(all: readonly T[], whole = false): Shortened<T> {
  const cut = whole || all.length <= WHOLE_MAX ? all.length : LISTED_MAX;
  return { shown: all.slice(0, cut), more: all.slice(cut) };
}

/** As {@link shortened}, of outcomes: one without an answer is shown, however improbable it is. */
export function shortenedOutcomes(all: readonly Outcome[], whole = false): Shortened<Outcome> {
  const { shown, more } = shortened(all, whole);
  const unanswered = ({ kind }: Outcome) => kind !== "deliver";
  const worst = shown.some(unanswered) ? undefined : more.find(unanswered);
  return worst === undefined
    ? { shown, more }
    : { shown: [...shown, worst], more: more.filter((one) => one !== worst) };
}
