// The lock of a ledger: one writer has it, as long as its process lives.

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
  release(): DiskWork<void>;
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
  yield* requireOwner(path, owner);
  const opened: OpenFile[] = [];
  const release = function* () {
    for (let file = opened.pop(); file !== undefined; file = opened.pop()) yield* closeFile(file);
  };
  let locks: Omit<DiskLock, "release"> | { readonly heldBy: string } | undefined;
  try {
    locks = yield* takeLocks(folder, path, opened, aside);
    return "heldBy" in locks ? locks : { ...locks, release };
  } finally {
    if (locks === undefined || "heldBy" in locks) yield* release();
  }
}

/** Puts what it opens into `opened`. */
function* takeLocks(
  folder: string,
  path: string,
  opened: OpenFile[],
  aside: OpenAside | undefined,
): DiskWork<Omit<DiskLock, "release"> | { readonly heldBy: string }> {
  const file = yield* openLock(path, aside);
  opened.push(file);
  if (!(yield* tryLock(file))) return { heldBy: (yield* firstLine(file)) || "an unknown process" };
  const identity = yield* identityOf(file);
  // Between the look at the path and its opening a link may have come there, or another lock file.
  if (!(yield* isAt(path, identity))) throw notOurs(path);
  const place = yield* openFile(folder, { read: true });
  opened.push(place);
  const placeIdentity = yield* identityOf(place);
  if (!(yield* tryLockFolder(place))) return { heldBy: "an unknown process" };
  yield* nameHolder(file);
  return {
    held: function* () {
      return (yield* isAt(path, identity)) && (yield* isFolderAt(folder, placeIdentity));
    },
  };
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

/** Whether no other process holds the folder. Where folders cannot be locked, the lock of the file must do. */
function* tryLockFolder(folder: OpenFile): DiskWork<boolean> {
  try {
    return yield* tryLock(folder);
  } catch (error) {
    if (codeOf(error) === "EBADF") return true;
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
