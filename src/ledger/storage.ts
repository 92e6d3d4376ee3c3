// The interface between the ledger and a disk: a folder of files that are only appended to. The tests have another one, in
// memory, whose calls can fail. All calls are synchronous, because the path from an event to its rules is. System errors are
// thrown unchanged.

import { codeOf } from "../thrown.ts";

/** A folder that holds one ledger. */
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
  /** Moves all files except the lock into a new folder `name` inside this one. */
  setAside(name: string): void;
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
  return typeof code === "string" && /^E[A-Z0-9]+$/.test(code) && !OWN_FAULTS.has(code);
}

const LOCK = "writer.lock";
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;

/**
 * The folder at `path`. With `create`, for a writer, it is made with mode 0700 where it does not exist, and it must be this
 * user's, as must be each file that is continued: the owner of a folder can put anything in the place of its files, and the
 * owner of a file can change what was written.
 */
export function folderStorage(path: string, create: boolean): Storage {
  if (create) ownFolder(path);
  const owner = create ? Deno.uid() ?? undefined : undefined;
  return {
    path,
    names: () => [...Deno.readDirSync(path)].filter((entry) => entry.isFile).map(({ name }) => name).sort(),
    size: (name) => Deno.statSync(`${path}/${name}`).size,
    read: (name, at = 0, length) => readFile(`${path}/${name}`, at, length),
    append: (name, create) => appendFile(`${path}/${name}`, create, owner),
    truncate: (name, length) => truncateFile(`${path}/${name}`, length),
    write: (name, bytes) => writeWhole(path, name, bytes),
    remove: (name) => Deno.removeSync(`${path}/${name}`),
    setAside(name) {
      Deno.mkdirSync(`${path}/${name}`, { mode: FOLDER_MODE });
      for (const file of this.names()) {
        if (file !== LOCK) Deno.renameSync(`${path}/${file}`, `${path}/${name}/${file}`);
      }
      syncFolder(path);
    },
    syncFolder: () => syncFolder(path),
    rename: (name, to) => Deno.renameSync(`${path}/${name}`, `${path}/${to}`),
    lock: () => lockFolder(path, `${path}/${LOCK}`, owner),
  };
}

function ownFolder(path: string): void {
  if (stateOf(path) === undefined) Deno.mkdirSync(path, { recursive: true, mode: FOLDER_MODE });
  const { uid } = Deno.statSync(path);
  if (uid === Deno.uid()) return;
  throw new FolderNotOurs(`${path} belongs to user ${uid}, and this program runs as user ${Deno.uid()}`);
}

/** The folder belongs to another user. */
export class FolderNotOurs extends Error {
  override readonly name = "FolderNotOurs";
}

/** Files that are being written end in this. What a crash leaves of them is removed by the next writer. */
const PART = ".part";

/** Whether a file is what a crash left of one that was being written. */
export function isUnfinishedFile(name: string): boolean {
  return name.endsWith(PART);
}

/** Writes the file beside its place and moves it there, because readers take no lock. */
function writeWhole(folder: string, name: string, bytes: Uint8Array): void {
  const part = `${folder}/${name}.${Deno.pid}${PART}`;
  const file = appendFile(part, true);
  try {
    file.write(bytes);
    file.sync();
  } finally {
    file.close();
  }
  Deno.renameSync(part, `${folder}/${name}`);
}

function appendFile(path: string, create: boolean, owner?: number): AppendFile {
  if (!create) requireOwner(path, owner);
  const file = Deno.openSync(path, { read: true, append: true, createNew: create, mode: FILE_MODE });
  // A link that another program put there since the folder was read would lead to its file.
  if (!create && !isAt(path, file)) {
    file.close();
    throw notOurs(path);
  }
  return {
    write(bytes) {
      for (let done = 0; done < bytes.length;) done += file.writeSync(bytes.subarray(done));
    },
    sync: () => file.syncDataSync(),
    inPlace: () => isAt(path, file),
    content: (size) => readOpen(file, 0, size),
    close: () => file.close(),
  };
}

function readFile(path: string, at: number, length: number | undefined): Uint8Array {
  if (length === undefined) return Deno.readFileSync(path).subarray(at);
  return withFile(path, { read: true }, (file) => readOpen(file, at, length));
}

function readOpen(file: Deno.FsFile, at: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let done = 0;
  file.seekSync(at, Deno.SeekMode.Start);
  for (let read; done < length && (read = file.readSync(bytes.subarray(done))) !== null;) done += read;
  return bytes.subarray(0, done);
}

function truncateFile(path: string, length: number): void {
  withFile(path, { write: true }, (file) => {
    if (!isAt(path, file)) throw notOurs(path);
    file.truncateSync(length);
    file.syncSync();
  });
}

function syncFolder(path: string): void {
  withFile(path, { read: true }, (folder) => folder.syncSync());
}

function withFile<T>(path: string, options: Deno.OpenOptions, use: (file: Deno.FsFile) => T): T {
  const file = Deno.openSync(path, options);
  try {
    return use(file);
  } finally {
    file.close();
  }
}

/**
 * Takes an flock(2) of the file at `path`, and one of its folder `folder`. The kernel releases them when their process ends, in
 * whatever way, so a stale lock cannot exist. The file names the process that holds it. The lock of the folder holds even where
 * the file was removed and created again. Why not the folder alone? NFS locks only files that are open for writing.
 */
function lockFolder(folder: string, path: string, owner: number | undefined): Lock | { heldBy: string } {
  using opened = new DisposableStack();
  requireOwner(path, owner);
  const file = opened.use(openLock(path));
  if (!file.tryLockSync(true)) return { heldBy: firstLine(file) || "an unknown process" };
  // Between the look at the path and its opening a link may have come there, or another lock file.
  if (!isAt(path, file)) throw notOurs(path);
  const place = opened.use(Deno.openSync(folder));
  if (!tryLockFolder(place)) return { heldBy: "an unknown process" };
  file.truncateSync(0);
  file.writeSync(new TextEncoder().encode(`process ${Deno.pid}\n`));
  const locks = opened.move();
  return {
    held: () => isAt(path, file) && isFolderAt(folder, place),
    [Symbol.dispose]: () => locks.dispose(),
  };
}

/** As {@link isAt}, through links: the path of the folder may be one. */
function isFolderAt(path: string, folder: Deno.FsFile): boolean {
  const [here, there] = [folder.statSync(), statOf(path)];
  return here.dev === there?.dev && here.ino === there.ino;
}

/** Opens the lock file, and creates it where it does not exist. Deno 2.9 has no O_NOFOLLOW, but `createNew` follows no link. */
function openLock(path: string): Deno.FsFile {
  const found = stateOf(path);
  if (found !== undefined && !found.isFile) throw notOurs(path);
  const options = { read: true, write: true };
  try {
    if (found === undefined) return Deno.openSync(path, { ...options, createNew: true, mode: FILE_MODE });
  } catch (error) {
    // Another writer created it meanwhile.
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
  return Deno.openSync(path, options);
}

function isAt(path: string, file: Deno.FsFile): boolean {
  const [here, there] = [file.statSync(), stateOf(path)];
  return here.dev === there?.dev && here.ino === there.ino;
}

/** What is at `path`, without following a link; undefined where there is nothing. */
function stateOf(path: string): Deno.FileInfo | undefined {
  return orUndefined(() => Deno.lstatSync(path));
}

/** What is at `path`, or where the link there leads. */
function statOf(path: string): Deno.FileInfo | undefined {
  return orUndefined(() => Deno.statSync(path));
}

function orUndefined(look: () => Deno.FileInfo): Deno.FileInfo | undefined {
  try {
    return look();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Throws where a file of a user other than `owner` is at `path`. */
function requireOwner(path: string, owner: number | undefined): void {
  const uid = stateOf(path)?.uid ?? undefined;
  if (owner === undefined || uid === undefined || uid === owner) return;
  const message = `${path} belongs to user ${uid}, and this program runs as user ${owner}`;
  throw Object.assign(new Error(message), { code: "EPERM" });
}

function notOurs(path: string): Error {
  return Object.assign(new Error(`${path}: it is a link, or not a file`), { code: "EINVAL" });
}

/** Whether no other process holds the folder. Where folders cannot be locked, the lock of the file must do. */
function tryLockFolder(folder: Deno.FsFile): boolean {
  try {
    return folder.tryLockSync(true);
  } catch (error) {
    if (codeOf(error) === "EBADF") return true;
    throw error;
  }
}

function firstLine(file: Deno.FsFile): string {
  const bytes = new Uint8Array(100);
  return new TextDecoder().decode(bytes.subarray(0, file.readSync(bytes) ?? 0)).split("\n")[0]!.trim();
}
