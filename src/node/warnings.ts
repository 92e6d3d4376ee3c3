// The warnings of the loop as lines of the log. Those about a tenant's objects are few, whatever the tenant does: else two Services
// that take an address from each other in turns would fill the log of every node, and lines about others would be dropped.

import { LINE_EVERY_MILLISECONDS, LINES_AT_ONCE } from "../limits/serving.ts";
import { Budget } from "../serve/budget.ts";

/** Writes through `write`. `now`: milliseconds of a clock that never goes back. */
export class Warnings {
  readonly #budget: Budget;
  /** How many lines about a subject were left out since its last one. A subject that is here has a budget that is not full. */
  readonly #leftOut = new Map<string, number>();

  constructor(readonly write: (text: string) => void, now: () => number = () => performance.now()) {
    this.#budget = new Budget(LINES_AT_ONCE, LINE_EVERY_MILLISECONDS, now);
  }

  /** Writes `text`; where it is about a subject, while the budget of that lasts. */
  warn(text: string, about?: string): void {
    if (about === undefined) return this.write(text);
    const leftOut = this.#leftOut.get(about) ?? 0;
    if (!this.#budget.admits(about)) return void this.#leftOut.set(about, leftOut + 1);
    this.#leftOut.delete(about);
    this.write(leftOut === 0 ? text : `${text} (${leftOut} lines about ${about} were left out before)`);
  }
}
