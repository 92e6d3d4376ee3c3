// How often something may happen about one subject: so many times at once, and then once each so many milliseconds. A tenant whose
// Services change all the time would else have each node write about them all the time.

interface Spent {
  /** When the subject has all of {@link Budget.burst} again, in milliseconds of `now`. */
  readonly fullAt: number;
  /** How many were refused since the last one that was admitted. */
  readonly refused: number;
}

/** The budgets of all subjects. Those that are full again are forgotten, for which calls look once each {@link everyMilliseconds}. */
export class Budget {
  readonly #spent = new Map<string, Spent>();
  /** When full budgets are next looked for. Why not at each call? It would take a step for each subject. */
  #forgetsAt = -Infinity;

  /** `now`: milliseconds of a clock that never goes back. */
  constructor(readonly burst: number, readonly everyMilliseconds: number, readonly now: () => number) {}

  /** Whether it may happen once more about `subject`; counts it. */
  admits(subject: string): boolean {
    const now = this.now();
    this.#forget(now);
    const { fullAt, refused } = this.#spent.get(subject) ?? { fullAt: now, refused: 0 };
    const after = Math.max(fullAt, now) + this.everyMilliseconds;
    const admitted = after - now <= this.burst * this.everyMilliseconds;
    this.#spent.set(subject, admitted ? { fullAt: after, refused: 0 } : { fullAt, refused: refused + 1 });
    return admitted;
  }

  /** How many were refused about `subject` since the last one that was admitted; 0 once the subject is forgotten. */
  refused(subject: string): number {
    return this.#spent.get(subject)?.refused ?? 0;
  }

  #forget(now: number): void {
    if (now < this.#forgetsAt) return;
    this.#forgetsAt = now + this.everyMilliseconds;
    for (const [name, { fullAt }] of this.#spent) if (fullAt <= now) this.#spent.delete(name);
  }
}
