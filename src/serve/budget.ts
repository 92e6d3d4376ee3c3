// How often something may happen about one subject: so many times at once, and then once each so many milliseconds. A tenant whose
// Services change all the time would else have each node write about them all the time.

/** The budgets of all subjects. A subject is kept for as long as its budget is not full again. */
export class Budget {
  /** When each subject has all of {@link burst} again, in milliseconds of `now`; those that have it are left out. */
  readonly #fullAt = new Map<string, number>();

  /** `now`: milliseconds of a clock that never goes back. */
  constructor(readonly burst: number, readonly everyMilliseconds: number, readonly now: () => number) {}

  /** Whether it may happen once more about `subject`; counts it. */
  admits(subject: string): boolean {
    const now = this.now();
    for (const [name, fullAt] of this.#fullAt) if (fullAt <= now) this.#fullAt.delete(name);
    const fullAt = (this.#fullAt.get(subject) ?? now) + this.everyMilliseconds;
    if (fullAt - now > this.burst * this.everyMilliseconds) return false;
    this.#fullAt.set(subject, fullAt);
    return true;
  }
}
