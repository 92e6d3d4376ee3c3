// The interface between the ledger and a disk: a folder of files that are only appended to. The tests have another one, in
// memory, whose calls can fail. All calls are synchronous, because the path from an event to its rules is. System errors are
// thrown as they are, but for the path of the file, which the runtime leaves out of those of open files.

import { codeOf, messageOf } from "../thrown.ts";
import { type DiskFile, type DiskFolder, diskFolder, PART, type WholeFile } from "./disk_folder.ts";
import type { DiskLock } from "./folder_lock.ts";
import { atOnce, call, type DiskWork } from "./disk_work.ts";

/** A folder that holds one ledger, for readers and for writers that may wait for the disk. */
export interface Storage {
  /** Path of the folder, for messages. */
  readonly path: string;
  /** Names of all files, in code unit order. */
  names(): string[];
  /** Size of a file in bytes. */
  size(name: string): number;
  /** The content of a file from byte `at` on: at most `length` bytes, fewer where the file ends. */
  read(name: string, at?: number, length?: number): Uint8Array;
  /** Opens a file for appending; with `create` the file must not exist yet. */
  append(name: string, create: boolean): AppendFile;
  /** Cuts a file to `length` bytes. */
  truncate(name: string, length: number): void;
  /** Creates a file with content `bytes` and makes it durable. Readers see the whole file, or none. */
  write(name: string, bytes: Uint8Array): void;
  /** Removes a file. */
  remove(name: string): void;
  /** Moves all files except the lock into a new folder `name` inside this one, and makes the segment `first` durable in their place. */
  setAside(name: string, first: WholeFile): void;
  /** Ends what an earlier process left of that, forwards or backwards. Its caller has the lock. */
  endAside(): void;
  /** Makes created and removed file names durable. */
  syncFolder(): void;
  /** Gives a file another name; a file that has it is replaced. */
  rename(name: string, to: string): void;
  /** Takes the writer's lock, or names the process that holds it. */
  lock(): Lock | { readonly heldBy: string };
}

/** A file whose content is not in memory yet: its reader has it loaded and starts again. */
export class NotLoaded extends Error {
  override readonly name = "NotLoaded";

  constructor(readonly file: string) {
    super(`${file} is not loaded`);
  }
}

/** The writer's lock; dispose of it to release it. */
export interface Lock extends Disposable {
  /** Whether the folder and the lock are still at their paths: another program may have removed or replaced them. */
  held(): boolean;
}

/** A file that is open for appending. */
export interface AppendFile {
  /** Writes all of `bytes` at the end. */
  write(bytes: Uint8Array): void;
  /** Makes all written bytes durable. */
  sync(): void;
  /** Whether it is still the file at its path: another program may have removed or replaced that. */
  inPlace(): boolean;
  /** Its first `size` bytes, also where its path is gone. */
  content(size: number): Uint8Array;
  /** Closes the file. */
  close(): void;
}

/** errno(3) codes that only a fault of this program gives. */
const OWN_FAULTS: ReadonlySet<unknown> = new Set(["EBADF", "EFAULT"]);

/**
 * Whether the disk failed: any error of a system call is one of the disk, of its permissions, or of what other programs do in
 * the folder. Why no list of them? Disks of networks and mounts in the folder give more than a list has, such as ETIMEDOUT
 * and EBUSY. Any other error is a fault of this program, or a ledger that another process has locked.
 */
export function isStorageFailure(error: unknown): boolean {
  const code = codeOf(error);
  // The runtime has no code for some, such as EDQUOT.
  if (code === undefined) return / \(os error \d+\)/.test(messageOf(error));
  return typeof code === "string" && /^E[A-Z0-9]+$/.test(code) && !OWN_FAULTS.has(code);
}

/** Whether a file is what a crash left of one that was being written. */
export function isUnfinishedFile(name: string): boolean {
  return name.endsWith(PART);
}

/** The folder at `path`, whose calls block; see {@link diskFolder}. */
export function folderStorage(path: string, create: boolean): Storage {
  const folder = atOnce(diskFolder(path, create));
  const at = (name: string): Named => (work) => named(path, name, work);
  const here = at("");
  return {
    path,
    names: () => here(folder.names()),
    size: (name) => at(name)(folder.size(name)),
    read: (name, from, length) => at(name)(folder.read(name, from, length)),
    append: (name, create) => appendFile(at(name)(folder.append(name, create)), at(name)),
    truncate: (name, length) => at(name)(folder.truncate(name, length)),
    write: (name, bytes) => at(name)(folder.write(name, bytes)),
    remove: (name) => at(name)(folder.remove(name)),
    setAside: (name, first) => here(folder.setAside(name, first)),
    endAside: () => here(folder.endAside()),
    syncFolder: () => here(folder.syncFolder()),
    rename: (name, to) => at(name)(folder.rename(name, to)),
    lock: () => lockOf(here(folder.lock())),
  };
}

/** Does work on one file at once. */
type Named = <Result>(work: DiskWork<Result>) => Result;

/** The result of `work`. An error of the system names the file: the runtime leaves it out of those of open files. */
function named<Result>(folder: string, name: string, work: DiskWork<Result>): Result {
  try {
    return atOnce(work);
  } catch (error) {
    if (error instanceof Error && isStorageFailure(error) && !error.message.includes(folder)) {
      error.message += `: '${folder}/${name}'`;
    }
    throw error;
  }
}

/** {@link Storage.endAside}, unless another process writes the ledger, or the disk takes no lock. */
export function endHalfAside(storage: Storage): void {
  let lock: ReturnType<Storage["lock"]>;
  try {
    lock = storage.lock();
  } catch (error) {
    if (!isStorageFailure(error)) throw error;
    return;
  }
  if ("heldBy" in lock) return;
  using _ = lock;
  storage.endAside();
}

function appendFile(file: DiskFile, at: Named): AppendFile {
  return {
    write: (bytes) => at(file.write(bytes)),
    sync: () => at(file.sync()),
    inPlace: () => at(file.inPlace()),
    content: (size) => at(file.content(size)),
    close: () => at(file.close()),
  };
}

function lockOf(lock: DiskLock | { readonly heldBy: string }): Lock | { readonly heldBy: string } {
  if ("heldBy" in lock) return lock;
  return { held: () => atOnce(lock.held()), [Symbol.dispose]: () => atOnce(lock.release()) };
}

/** The folder of `storage`, whose calls block, for work that is written for both. */
export function asFolder(storage: Storage): DiskFolder {
  return {
    path: storage.path,
    names: () => made(() => storage.names()),
    size: (name) => made(() => storage.size(name)),
    read: (name, at, length) => made(() => storage.read(name, at, length)),
    append: (name, create) => made(() => asFile(storage.append(name, create))),
    truncate: (name, length) => made(() => storage.truncate(name, length)),
    write: (name, bytes) => made(() => storage.write(name, bytes)),
    remove: (name) => made(() => storage.remove(name)),
    setAside: (name, first) => made(() => storage.setAside(name, first)),
    endAside: () => made(() => storage.endAside()),
    syncFolder: () => made(() => storage.syncFolder()),
    rename: (name, to) => made(() => storage.rename(name, to)),
    lock: () =>
      made(() => {
        const lock = storage.lock();
        if ("heldBy" in lock) return lock;
        return {
          held: () => made(() => lock.held()),
          retake: () => made(() => lock.held()),
          release: () => made(() => lock[Symbol.dispose]()),
        };
      }),
  };
}

function asFile(file: AppendFile): DiskFile {
  return {
    write: (bytes) => made(() => file.write(bytes)),
    sync: () => made(() => file.sync()),
    inPlace: () => made(() => file.inPlace()),
    content: (size) => made(() => file.content(size)),
    close: () => made(() => file.close()),
  };
}

function made<Result>(make: () => Result): DiskWork<Result> {
  return call(make, () => Promise.resolve().then(make));
}
