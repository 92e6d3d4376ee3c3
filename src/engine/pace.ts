// When work that comes in runs, and each run in pieces, may go on. Between pieces the loop does other work for as long as the last
// piece took; between runs for ten times as long as the last run took. So such work takes at most half of the time while a run
// lasts, and about a tenth of it overall, however often it is asked for. Times are milliseconds of a clock that never goes back.

/** Least pause between two pieces. */
const PIECE_PAUSE_MILLISECONDS = 5;

/** The pause after a run, as a multiple of the time that the run took. */
const RUN_PAUSE_RATIO = 10;

/** Changed in place by the functions of this file alone. */
export interface Pace {
  /** When the next piece may begin. */
  nextAt: number;
  /** How long the pieces of the present run took. */
  spent: number;
}

/** The pace before any run: the first may begin at once. */
export function newPace(): Pace {
  return { nextAt: -Infinity, spent: 0 };
}

/** Notes milliseconds that another thread spent for the run. They count for the pause after it: the loop was free meanwhile. */
export function noteBeside(pace: Pace, milliseconds: number): void {
  pace.spent += milliseconds;
}

/** Notes that a piece of `milliseconds` ended at `now`, and whether the run ended with it. */
export function notePiece(pace: Pace, milliseconds: number, ended: boolean, now: number): void {
  pace.spent += milliseconds;
  if (!ended) {
    pace.nextAt = now + Math.max(PIECE_PAUSE_MILLISECONDS, milliseconds);
    return;
  }
  pace.nextAt = now + RUN_PAUSE_RATIO * pace.spent;
  pace.spent = 0;
}
