// Changes of a file or folder as they come to rest, also where it is replaced as a whole: moved into place, mounted over,
// removed and made again. inotify follows what was there at first, so the place itself is looked at once a second.

/** Editors and kubectl write in several steps: a change is read when nothing has moved for this long. */
const QUIET_MILLISECONDS = 100;
const LOOK_MILLISECONDS = 1000;

/**
 * Yields at once, and then after each burst of changes at `path`, until `signal` aborts. `again` is asked once a second
 * whether to yield though nothing changed.
 */
export async function* changesOf(
  path: string,
  signal: AbortSignal,
  again: () => boolean = () => false,
): AsyncGenerator<void> {
  while (!signal.aborted) {
    const place = placeOf(path);
    // Before what is there is read, so that nothing that happens in between goes unnoticed.
    const watcher = watcherOf(path);
    try {
      yield;
      yield* bursts(watcher, { moved: () => placeOf(path) !== place, again }, signal);
    } finally {
      watcher?.[Symbol.dispose]();
    }
  }
}

interface Looks {
  /** Whether another file or folder is in the place of the one that is watched. */
  moved(): boolean;
  again(): boolean;
}

/** Yields once for each burst of events, when it is over; ends once the place is another. */
async function* bursts(
  watcher: Deno.FsWatcher | undefined,
  { moved, again }: Looks,
  signal: AbortSignal,
): AsyncGenerator<void> {
  const events = watcher?.[Symbol.asyncIterator]();
  const never = new Promise<never>(() => {});
  let next: Promise<IteratorResult<unknown>> = events?.next() ?? never;
  while (!signal.aborted) {
    const first = await within(next, LOOK_MILLISECONDS, signal);
    if (first === undefined) {
      if (moved()) return;
      if (again()) yield;
      continue;
    }
    for (let event = first; event !== undefined; event = (await within(next, QUIET_MILLISECONDS, signal))!) {
      if (event.done) {
        // The watch has ended; the place is still looked at.
        next = never;
        break;
      }
      next = events!.next();
    }
    if (signal.aborted || moved()) return;
    yield;
  }
}

/** What `promise` comes to; undefined after `milliseconds`, or once `signal` aborts. */
async function within<T>(
  promise: Promise<T>,
  milliseconds: number,
  signal: AbortSignal,
): Promise<T | undefined> {
  const late = Promise.withResolvers<undefined>();
  const end = () => late.resolve(undefined);
  const timer = setTimeout(end, milliseconds);
  signal.addEventListener("abort", end);
  try {
    return signal.aborted ? undefined : await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", end);
  }
}

/** What tells one file or folder at a path from another, and of a file whether it was written; "" where there is none. */
function placeOf(path: string): string {
  try {
    const { dev, ino, isFile, mtime, size } = Deno.statSync(path);
    return `${dev} ${ino} ${isFile ? `${mtime?.getTime()} ${size}` : ""}`;
  } catch {
    return "";
  }
}

function watcherOf(path: string): Deno.FsWatcher | undefined {
  try {
    return Deno.watchFs(path);
  } catch {
    // It is not there, or there are no more watches to be had: looking at it has to do.
    return undefined;
  }
}
