// Waits for new records of a ledger that another process writes. It only reads: the writer does not notice.

import type { Past } from "../history/past.ts";
import { lastOffsetOf } from "../history/position_expression.ts";

/** How often the folder is looked at where the system does not report its changes, in milliseconds. */
const POLL_MILLISECONDS = 50;
/** Changes are reported many at a time; the folder is looked at again after so many milliseconds at most. */
const GATHERED_MILLISECONDS = 5;

/** So long after its last record a ledger is quiet, in milliseconds: what waits for a commit has none. */
const QUIET_MILLISECONDS = 1000;

/** A ledger has grown, or has become quiet. */
export interface Growth {
  /** Offset of the last record. */
  readonly last: number;
  readonly quiet: boolean;
  /** Whether another ledger is in the folder than before, as after a repair: its offsets begin again. */
  readonly anew: boolean;
}

/**
 * Yields whenever the ledger has grown, and once when it has not for a while: first at once, then until `signal` is aborted. A record
 * is seen within some milliseconds of its write. `ledger` is the id of the ledger that the caller has read from.
 */
export async function* grownLedger(
  past: Past,
  signal: AbortSignal,
  ledger = past.id(),
): AsyncGenerator<Growth> {
  let [last, quiet, grown] = [-1, true, 0];
  for await (const _ of changesOf(past.path, signal)) {
    // Another ledger has other records than those that were read, and may have as many or fewer. Its id is read first: records of
    // another ledger with the id of the one before are found out at the next look, the other way round never.
    const id = past.id();
    const now = lastOffsetOf(past);
    const anew = id !== "" && id !== ledger;
    if (now !== undefined && (now > last || anew)) {
      [ledger, last, quiet, grown] = [id, now, false, performance.now()];
      yield { last, quiet, anew };
    } else if (!quiet && performance.now() - grown > QUIET_MILLISECONDS) {
      quiet = true;
      yield { last, quiet, anew: false };
    }
  }
}

/** Yields once, and then whenever a file in `folder` may have changed. */
async function* changesOf(folder: string, signal: AbortSignal): AsyncGenerator<void> {
  using changes = new Changes(folder, signal);
  while (!changes.stopped) {
    yield;
    await changes.next();
  }
}

/** Wakes its one reader after a change, or after a while: a watch may miss a change on a remote file system. */
class Changes implements Disposable {
  #wake: () => void = () => {};
  #changed = false;
  readonly #watcher: Deno.FsWatcher | undefined;
  readonly #abort = () => this.#note();

  constructor(folder: string, readonly signal: AbortSignal) {
    signal.addEventListener("abort", this.#abort);
    this.#watcher = watched(folder);
    if (this.#watcher !== undefined) void this.#read(this.#watcher);
  }

  get stopped(): boolean {
    return this.signal.aborted;
  }

  /** Resolves once something may have changed since the last call. */
  async next(): Promise<void> {
    if (!this.#changed && !this.stopped) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        timer = setTimeout(resolve, POLL_MILLISECONDS);
      });
      clearTimeout(timer);
    }
    this.#changed = false;
    if (!this.stopped) await new Promise((resolve) => setTimeout(resolve, GATHERED_MILLISECONDS));
  }

  [Symbol.dispose](): void {
    this.signal.removeEventListener("abort", this.#abort);
    this.#watcher?.close();
  }

  async #read(watcher: Deno.FsWatcher): Promise<void> {
    try {
      for await (const _ of watcher) this.#note();
    } catch {
      // The watch ended; polling goes on.
    }
  }

  #note(): void {
    this.#changed = true;
    this.#wake();
  }
}

/** Undefined where the system cannot watch the folder: a limit of inotify may be reached. */
function watched(folder: string): Deno.FsWatcher | undefined {
  try {
    return Deno.watchFs(folder, { recursive: false });
  } catch {
    return undefined;
  }
}
