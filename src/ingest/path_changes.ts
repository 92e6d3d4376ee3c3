// Notices changes of a file or folder, also when it is replaced as a whole: moved into place, mounted over, removed and made
// again. Why is inotify not enough? It follows the inode that was there at first. So the path is also looked up each second.

import { FOREVER_MILLISECONDS, within } from "../pause.ts";
import { statUnblocked } from "./unblocked_file.ts";

/** Editors and kubectl write in several steps. A change is reported when nothing has changed for this long. */
const QUIET_MILLISECONDS = 100;
const LOOK_MILLISECONDS = 1000;

/**
 * Yields at once, and then after each series of changes at `path`, until `signal` aborts. Calls `retry` once a second, and
 * yields without a change where it returns true.
 */
export async function* changesOf(
  path: string,
  signal: AbortSignal,
  retry: () => boolean = () => false,
): AsyncGenerator<void> {
  while (!signal.aborted) {
    const place = await placeOf(path, signal);
    if (signal.aborted) return;
    // The watch begins before the caller reads the files, so that it misses no change.
    const watcher = watcherOf(path);
    try {
      yield;
      yield* bursts(watcher, { moved: async () => await placeOf(path, signal) !== place, retry }, signal);
    } finally {
      watcher?.[Symbol.dispose]();
    }
  }
}

interface Looks {
  /** Whether the path has another file or folder than the one that is watched. */
  moved(): Promise<boolean>;
  /** Whether to yield although nothing changed. */
  retry(): boolean;
}

/** Yields once after each series of events. Ends when `moved` says that the path has another file or folder. */
async function* bursts(
  watcher: Deno.FsWatcher | undefined,
  { moved, retry }: Looks,
  signal: AbortSignal,
): AsyncGenerator<void> {
  const events = watcher?.[Symbol.asyncIterator]();
  const never = new Promise<never>(() => {});
  let next: Promise<IteratorResult<unknown>> = events?.next() ?? never;
  while (!signal.aborted) {
    const first = await within(next, LOOK_MILLISECONDS, signal);
    if (first === undefined) {
      if (await moved()) return;
      if (retry()) yield;
      continue;
    }
    for (let event = first; event !== undefined; event = (await within(next, QUIET_MILLISECONDS, signal))!) {
      if (event.done) {
        // The watch has ended. The path is still looked up.
        next = never;
        break;
      }
      next = events!.next();
    }
    if (signal.aborted || await moved()) return;
    yield;
  }
}

/**
 * A text that changes when another file or folder is at `path`, or when the file was written; "" where there is none. While the disk does
 * not answer it is waited for, and nothing else is: the loop goes on.
 */
async function placeOf(path: string, signal: AbortSignal): Promise<string> {
  try {
    const found = await within(statUnblocked(path), FOREVER_MILLISECONDS, signal);
    if (found === undefined) return "";
    const { dev, ino, isFile, mtime, size } = found;
    return `${dev} ${ino} ${isFile ? `${mtime?.getTime()} ${size}` : ""}`;
  } catch {
    return "";
  }
}

function watcherOf(path: string): Deno.FsWatcher | undefined {
  try {
    return Deno.watchFs(path);
  } catch {
    // The path does not exist, or the system has no more watches. The lookup each second remains.
    return undefined;
  }
}
