// The last resort: errors that nothing caught. Without it one exception in a timer ends the program; with it they are
// counted, logged and recorded at a bounded rate, and the program goes on.
//
// What may go on and what must not: the engine is synchronous, and whoever calls it hands on what it throws (runLoop, the
// watch of the configuration). So an error of that kind may have left it between two states, and so may an InvariantError,
// wherever it comes from: the state is given up, and the loop starts again in place from the ledger and the kernel
// (restarts.ts). Everything else, of a server, a timer, a promise that nobody awaited, had no part in it: the program goes on.

import { InvariantError } from "../invariant.ts";
import { UNCAUGHT_PER_MINUTE_MAX } from "../limits.ts";
import { printable, redacted } from "../printable.ts";
import type { FaultKind } from "../serve/condition_metrics.ts";

/** One error that nothing caught. */
export interface Fault {
  readonly kind: FaultKind;
  /** `TypeError: ...`, without what looks like a credential. */
  readonly text: string;
  /** Where it was thrown, a line each. */
  readonly stack: string;
  /** Whether the engine may be between two states. */
  readonly breaksEngine: boolean;
}

/** What to do about a fault; `noted` says whether it is one of the few of this minute that are logged and recorded. */
export type OnFault = (fault: Fault, noted: boolean) => void;

/** Longest text of an error that is recorded, in characters. */
const TEXT_CHARACTERS_MAX = 500;
const MINUTE_MILLISECONDS = 60_000;

/** The fault that `error` is. */
export function faultOf(kind: FaultKind, error: unknown): Fault {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : `thrown: ${String(error)}`;
  const { stack = "" } = error instanceof Error ? error : {};
  return {
    kind,
    text: redacted(printable(text)).slice(0, TEXT_CHARACTERS_MAX),
    stack: stack.split("\n").filter((line) => /^\s+at /.test(line)).slice(0, 10).join("\n"),
    breaksEngine: kind === "loop" || error instanceof InvariantError,
  };
}

/** Listens for what nothing catches, until it is disposed of. */
export class LastResort implements Disposable {
  readonly #listening = new AbortController();
  #minute = -1;
  #count = 0;

  constructor(readonly onFault: OnFault) {
    const { signal } = this.#listening;
    globalThis.addEventListener("error", (event) => {
      event.preventDefault();
      this.note("exception", event.error);
    }, { signal });
    globalThis.addEventListener("unhandledrejection", (event) => {
      event.preventDefault();
      this.note("rejection", event.reason);
    }, { signal });
  }

  /** Takes an error that was caught at the last moment. */
  note(kind: FaultKind, error: unknown): void {
    const minute = Math.floor(performance.now() / MINUTE_MILLISECONDS);
    [this.#minute, this.#count] = minute === this.#minute ? [minute, this.#count + 1] : [minute, 1];
    this.onFault(faultOf(kind, error), this.#count <= UNCAUGHT_PER_MINUTE_MAX);
  }

  [Symbol.dispose](): void {
    this.#listening.abort();
  }
}
