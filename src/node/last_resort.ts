// The last resort catches errors that nothing else caught. Without it one exception in a timer would end the program.
//
// Which errors may have left the engine between two states? The engine is synchronous, and its callers (loop.ts, the watch of
// the configuration) pass on the errors that it throws, as the kind `loop`. So only those errors can have done that, and an
// InvariantError, wherever it was thrown. Then the state is dropped, and the loop restarts in place from ledger and kernel
// (restarts.ts). After any other error, of a server, a timer or a promise without a handler, the program goes on.

import { InvariantError } from "../invariant.ts";
import { UNCAUGHT_PER_MINUTE_MAX } from "../limits/serving.ts";
import { printable, redacted } from "../printable.ts";
import type { FaultKind } from "../serve/condition_metrics.ts";

/** One error that nothing caught. */
export interface Fault {
  readonly kind: FaultKind;
  /** `TypeError: ...`. What looks like a credential is left out. */
  readonly text: string;
  /** The lines of the stack. */
  readonly stack: string;
  /** Whether it may have left the engine between two states. */
  readonly breaksEngine: boolean;
}

/** Receives a fault. `noted`: whether it is one of the few of this minute that are logged and recorded. */
export type OnFault = (fault: Fault, noted: boolean) => void;

/** The text of an error is cut to so many characters. */
const TEXT_CHARACTERS_MAX = 500;
const MINUTE_MILLISECONDS = 60_000;

/** Makes a fault of `error`. */
function faultOf(kind: FaultKind, error: unknown): Fault {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : `thrown: ${String(error)}`;
  const { stack = "" } = error instanceof Error ? error : {};
  return {
    kind,
    text: redacted(printable(text)).slice(0, TEXT_CHARACTERS_MAX),
    stack: stack.split("\n").filter((line) => /^\s+at /.test(line)).slice(0, 10).join("\n"),
    breaksEngine: kind === "loop" || error instanceof InvariantError,
  };
}

/** Listens for errors that nothing catches, until it is disposed of. */
export class LastResort implements Disposable {
  readonly #listening = new AbortController();
  #minute = -1;
  #count = 0;

  constructor(readonly onFault: OnFault) {
    const { signal } = this.#listening;
    // Without preventDefault the runtime ends the process after the listener.
    globalThis.addEventListener("error", (event) => {
      event.preventDefault();
      this.note("exception", event.error);
    }, { signal });
    globalThis.addEventListener("unhandledrejection", (event) => {
      event.preventDefault();
      this.note("rejection", event.reason);
    }, { signal });
  }

  /** Takes an error that was caught only here or by a caller of last resort. */
  note(kind: FaultKind, error: unknown): void {
    const minute = Math.floor(performance.now() / MINUTE_MILLISECONDS);
    [this.#minute, this.#count] = minute === this.#minute ? [minute, this.#count + 1] : [minute, 1];
    this.onFault(faultOf(kind, error), this.#count <= UNCAUGHT_PER_MINUTE_MAX);
  }

  [Symbol.dispose](): void {
    this.#listening.abort();
  }
}
