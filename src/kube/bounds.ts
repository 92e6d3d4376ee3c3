// Bounds on what one Service may cost. They are part of the configuration record, so a replay applies those that were in
// force. A ledger whose configuration has none, as up to 0.6.0 and as `record` writes it, is folded without bounds.

import {
  BURST_ELEMENTS,
  FIRST_BURST_ELEMENTS,
  LARGE_SERVICE_ELEMENTS,
  NAMESPACE_ELEMENTS_MAX,
  NODE_ELEMENTS_MAX,
  RANGE_ELEMENTS,
  SERVICE_ELEMENTS_MAX,
  SMALL_SERVICE_ELEMENTS,
  STEP_ELEMENTS,
} from "../limits/rules.ts";

/** How many elements a Service may have, and when its rules are made in steps. */
export interface ServiceBounds {
  /** A Service with more is set aside. */
  readonly most: number;
  /** The rules of a Service with more are made later than its events, in steps: see `fold/steps.ts`. */
  readonly large: number;
  /** About how many elements one step changes. */
  readonly step: number;
  /** How much events change before the next commit; absent where that has no bound. */
  readonly burst?: BurstBounds;
  /** What the large Services of one namespace may have together; absent where that has no bound. */
  readonly namespace?: NamespaceBounds;
  /** What the large Services of all namespaces may have together; absent where that has no bound. */
  readonly node?: NodeBounds;
  /** Whether namespaces take turns where Services wait for steps; absent where all wait in one line. */
  readonly takesTurns?: boolean;
  /** Whether timeouts of affinity are rounded up, so that there are few of them; absent where they are not. */
  readonly roundsTimeouts?: boolean;
  /** As how many elements a source range counts at each frontend; absent where it is one. */
  readonly range?: number;
}

/** How many elements the large Services of one namespace may have together; those that are over it are set aside. */
export interface NamespaceBounds {
  /** A Service with at most so many elements is not counted, and always served. */
  readonly large: number;
  /** Most elements of the others together. */
  readonly most: number;
}

/** How many elements all large Services of the node may have together: those that {@link NamespaceBounds} counts. */
export interface NodeBounds {
  /** Most elements of them. */
  readonly most: number;
}

/** How much the events between two commits change at once; what is over it waits for steps. */
export interface BurstBounds {
  /** A Service with at most so many elements never waits. */
  readonly small: number;
  /** About how many elements are changed before larger Services wait. */
  readonly most: number;
  /** The same before the first commit; absent where none waits then. */
  readonly first?: number;
}

const TOTALS = {
  namespace: { large: LARGE_SERVICE_ELEMENTS, most: NAMESPACE_ELEMENTS_MAX },
  node: { most: NODE_ELEMENTS_MAX },
};

/** The bounds for rules that are made once and not kept: no Service is large, so that no step is needed. */
export const BOUNDS_WITHOUT_STEPS: ServiceBounds = {
  most: SERVICE_ELEMENTS_MAX,
  large: SERVICE_ELEMENTS_MAX,
  step: STEP_ELEMENTS,
  ...TOTALS,
  roundsTimeouts: true,
  range: RANGE_ELEMENTS,
};

/** The bounds of `run`. */
export const SERVICE_BOUNDS: ServiceBounds = {
  most: SERVICE_ELEMENTS_MAX,
  large: LARGE_SERVICE_ELEMENTS,
  step: STEP_ELEMENTS,
  burst: { small: SMALL_SERVICE_ELEMENTS, most: BURST_ELEMENTS, first: FIRST_BURST_ELEMENTS },
  ...TOTALS,
  takesTurns: true,
  roundsTimeouts: true,
  range: RANGE_ELEMENTS,
};
