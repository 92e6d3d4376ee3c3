// What is done every second, all of it at once and at whole seconds of performance.now(): each wake of a process at rest costs 0.2 to
// 0.3 ms of CPU time, because its code and data have left the caches meanwhile.

const SECOND_MILLISECONDS = 1000;

/** The next whole second after `now` that is at least half a second away. Milliseconds of performance.now(). */
export function secondAfter(now: number): number {
  return Math.floor(now / SECOND_MILLISECONDS + 1.5) * SECOND_MILLISECONDS;
}

/** Dispose of it to stop. */
export interface EverySecond extends Disposable {
  /** When the next time is. */
  readonly next: number;
}

type Work = (lateness: number) => void;

const works = new Set<Work>();
let timer: ReturnType<typeof setTimeout> | undefined;
let next = 0;

/** Calls `work` every second, with how many milliseconds late the timer is. */
export function everySecond(work: Work): EverySecond {
  // One function may be given twice.
  const mine: Work = (lateness) => work(lateness);
  works.add(mine);
  if (timer === undefined) wait();
  return {
    get next() {
      return next;
    },
    [Symbol.dispose]() {
      works.delete(mine);
      if (works.size > 0) return;
      clearTimeout(timer);
      timer = undefined;
    },
  };
}

function wait(): void {
  const now = performance.now();
  next = secondAfter(now);
  // A timer cuts off fractions.
  const pause = Math.ceil(next - now);
  timer = setTimeout(() => {
    const lateness = Math.max(0, performance.now() - now - pause);
    wait();
    for (const work of works) {
      try {
        work(lateness);
      } catch (error) {
        reportError(error);
      }
    }
  }, pause);
}
