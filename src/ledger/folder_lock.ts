// The lock of a ledger: one writer has it, as long as its process lives, also while its ledger is opened anew.

import { codeOf } from "../thrown.ts";
import { call, type DiskWork } from "./disk_work.ts";
import { isAt, isSame, notOurs, orUndefined, requireOwner, stateOf } from "./file_place.ts";
import {
  closeFile,
  FILE_MODE,
  type FileIdentity,
  identityOf,
  isRoomLacking,
  type OpenAside,
  type OpenFile,
  openFile,
  readOpen,
  truncateOpen,
  writeOpen,
} from "./open_file.ts";

/** Name of the file. */
export const LOCK = "writer.lock";

/** The writer's lock. */
export interface DiskLock {
  held(): DiskWork<boolean>;
  /**
   * Takes again what other programs removed or replaced, without releasing the folder meanwhile. False where the folder is another one,
   * or where folders cannot be locked: then another writer may have been there.
   */
  retake(): DiskWork<boolean | { readonly heldBy: string }>;
  release(): DiskWork<void>;
}

/**
 * The lock over the sessions of one process. Why is it not released with each session? Another process could take it before the next
 * one, and then both would make rules.
 */
export class KeptLock {
  #lock: DiskLock | undefined;

  /** The lock of `folder`, which all sessions have, or who holds it. */
  *take(folder: { lock(): DiskWork<DiskLock | { readonly heldBy: string }> }): DiskWork<
    DiskLock | { readonly heldBy: string }
  > {
    if (this.#lock !== undefined) {
      const again = yield* this.#lock.retake();
      if (again === true) return this.#lock;
      if (again !== false) return again;
      yield* this.release();
    }
    const lock = yield* folder.lock();
    if (!("heldBy" in lock)) this.#lock = lock;
    return lock;
  }

  /** Whether it was taken, and what it is of is in its place. */
  *held(): DiskWork<boolean> {
    return this.#lock !== undefined && (yield* this.#lock.held());
  }

  *release(): DiskWork<void> {
    const lock = this.#lock;
    this.#lock = undefined;
    if (lock !== undefined) yield* lock.release();
  }
}

/**
 * Takes an flock(2) of the file {@link LOCK} in `folder`, and one of the folder. The kernel releases them when their process ends, in
 * whatever way, so a stale lock cannot exist. The file names the process that holds it. The lock of the folder holds even where
 * the file was removed and created again. Why not the folder alone? NFS locks only files that are open for writing.
 */
export function* lockFolder(
  folder: string,
  owner: number | undefined,
  aside: OpenAside | undefined,
): DiskWork<DiskLock | { readonly heldBy: string }> {
  const path = `${folder}/${LOCK}`;
  let file: HeldFile | undefined;
  let place: HeldFile | undefined;
  const release = function* () {
    const opened = [place, file];
    place = file = undefined;
    for (const held of opened) if (held !== undefined) yield* closeFile(held.open);
  };
  let taken = false;
  try {
    const lockFile = yield* takeFile(path, owner, aside);
    if ("heldBy" in lockFile) return lockFile;
    file = lockFile;
    place = yield* openHeld(yield* openFile(folder, { read: true }));
    const isLocked = yield* tryLockFolder(place.open);
    if (isLocked === false) return { heldBy: UNKNOWN };
    yield* nameHolder(file.open);
    taken = true;
    const isFolder = function* () {
      return place !== undefined && (yield* isFolderAt(folder, place.identity));
    };
    return {
      held: function* () {
        return file !== undefined && (yield* isAt(path, file.identity)) && (yield* isFolder());
      },
      retake: function* () {
        if (!(yield* isFolder())) return false;
        if (file !== undefined && (yield* isAt(path, file.identity))) return true;
        if (isLocked === undefined) return false;
        const again = yield* takeFile(path, owner, aside);
        if ("heldBy" in again) return again;
        const before = file;
        file = again;
        if (before !== undefined) yield* closeFile(before.open);
        yield* nameHolder(file.open);
        return true;
      },
      release,
    };
  } finally {
    if (!taken) yield* release();
  }
}

const UNKNOWN = "an unknown process";

/** A file or folder that is open, and what it is. */
interface HeldFile {
  readonly open: OpenFile;
  readonly identity: FileIdentity;
}

function* openHeld(open: OpenFile): DiskWork<HeldFile> {
  try {
    return { open, identity: yield* identityOf(open) };
  } catch (error) {
    yield* closeFile(open);
    throw error;
  }
}

/** The lock file at `path`, locked, or who holds it. */
function* takeFile(
  path: string,
  owner: number | undefined,
  aside: OpenAside | undefined,
): DiskWork<HeldFile | { readonly heldBy: string }> {
  yield* requireOwner(path, owner);
  const open = yield* openLock(path, aside);
  let taken: HeldFile | undefined;
  try {
    if (!(yield* tryLock(open))) return { heldBy: (yield* firstLine(open)) || UNKNOWN };
    const identity = yield* identityOf(open);
    // Between the look at the path and its opening a link may have come there, or another lock file.
    if (!(yield* isAt(path, identity))) throw notOurs(path);
    return taken = { open, identity };
  } finally {
    if (taken === undefined) yield* closeFile(open);
  }
}

/** The line has the length of the one before, or nearly: a disk without room takes it all the same. Where it does not, the lock holds. */
function* nameHolder(file: OpenFile): DiskWork<void> {
  const line = new TextEncoder().encode(`process ${Deno.pid}\n`);
  try {
    yield* writeOpen(file, line);
    yield* truncateOpen(file, line.length);
  } catch (error) {
    if (!isRoomLacking(error)) throw error;
  }
}

function tryLock({ here, aside }: OpenFile): DiskWork<boolean> {
  return call(() => here!.tryLockSync(true), () => aside.tryLock());
}

/** Whether no other process holds the folder; undefined where folders cannot be locked, and the lock of the file must do. */
function* tryLockFolder(folder: OpenFile): DiskWork<boolean | undefined> {
  try {
    return yield* tryLock(folder);
  } catch (error) {
    if (codeOf(error) === "EBADF") return undefined;
    throw error;
  }
}

/** Opens the lock file, and creates it where it does not exist. Deno 2.9 has no O_NOFOLLOW, but `createNew` follows no link. */
function* openLock(path: string, aside: OpenAside | undefined): DiskWork<OpenFile> {
  const found = yield* stateOf(path);
  if (found !== undefined && !found.isFile) throw notOurs(path);
  const options = { read: true, write: true };
  try {
    if (found === undefined) {
      return yield* openFile(path, { ...options, createNew: true, mode: FILE_MODE }, aside);
    }
  } catch (error) {
    // Another writer created it meanwhile.
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
  return yield* openFile(path, options, aside);
}

function* firstLine(file: OpenFile): DiskWork<string> {
  const bytes = yield* readOpen(file, 0, 100);
  return new TextDecoder().decode(bytes).split("\n")[0]!.trim();
}

/** As {@link isAt}, through links: the path of the folder may be one. */
function* isFolderAt(path: string, identity: FileIdentity): DiskWork<boolean> {
  return isSame(identity, yield* orUndefined(call(() => Deno.statSync(path), () => Deno.stat(path))));
}
