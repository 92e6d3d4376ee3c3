// The warnings of the loop as lines of the log. Those about the objects of one namespace, or of two together, have a budget: else two
// Services that take an address from each other in turns would fill the log of every node, and lines about others would be dropped.

import { countText } from "../count_text.ts";
import { LINE_EVERY_MILLISECONDS, LINES_AT_ONCE } from "../limits/serving.ts";
import { Budget } from "../serve/budget.ts";

/** Writes through `write`. `now`: milliseconds of a clock that never goes back. */
export class Warnings {
  readonly #budget: Budget;

  constructor(readonly write: (text: string) => void, now: () => number = () => performance.now()) {
    this.#budget = new Budget(LINES_AT_ONCE, LINE_EVERY_MILLISECONDS, now);
  }

  /**
   * Writes `text`; where it is about a subject, while the budget of that lasts. A line says how many were left out since the last one,
   * unless the budget was full again and forgotten meanwhile.
   */
  warn(text: string, about?: string): void {
    if (about === undefined) return this.write(text);
    const leftOut = this.#budget.refused(about);
    if (!this.#budget.admits(about)) return;
    this.write(
      leftOut === 0 ? text : `${text} (left out before: ${countText(leftOut, "line")} about ${about})`,
    );
  }
}
