/// <reference lib="dom" />
// What a reader sees until the page is made: to fold 100,000 records takes seconds, and the page says how many it has read.

import { LOADING_ID } from "../html.ts";
import type { ReportData } from "../report_data.ts";
import { type GrowingTimeline, timelineSteps } from "../timeline.ts";
import { element } from "./dom.ts";
import { count } from "./words.ts";

/** Milliseconds of folding between two counts. */
const PART = 100;

/** How parts of work follow each other. */
export interface LoadingPace {
  /** Milliseconds since any beginning. */
  now(): number;
  /** Shows how much is done, and resolves once the browser has painted it. */
  show(done: number, of: number): Promise<void>;
}

/** The timeline of `data`. It is folded in parts, so that the count of what was read is seen. */
export async function foldedInParts(data: ReportData, { now, show }: LoadingPace): Promise<GrowingTimeline> {
  const steps = timelineSteps(data);
  let until = now() + PART;
  for (let step = steps.next();; step = steps.next()) {
    if (step.done) return step.value;
    if (now() < until) continue;
    await show(step.value, data.records.length);
    until = now() + PART;
  }
}

/** Counts in the line about loading. A screen reader reads the line once, not every count. */
export function paceOfPage(): LoadingPace {
  const text = element("span", { "aria-hidden": "true" });
  document.getElementById(LOADING_ID)?.append(text);
  return {
    now: () => performance.now(),
    show(done, of) {
      text.textContent = ` ${count(done)} of ${count(of)}`;
      return painted();
    },
  };
}

/** Removes the line. */
export function endLoading(): void {
  document.getElementById(LOADING_ID)?.remove();
}

/** Resolves once the browser has shown what the page has. */
export function painted(): Promise<void> {
  return new Promise((resolve) => {
    // A page in the background is not painted.
    if (document.hidden) resolve();
    else requestAnimationFrame(() => setTimeout(resolve));
  });
}
