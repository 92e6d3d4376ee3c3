// A real folder that holds a ledger, as work on a disk. Its files are this user's alone, and links are not followed.

import { codeOf } from "../thrown.ts";
import { call, type DiskWork, MadeCall, type Waitable } from "./disk_work.ts";

/** A folder that holds one ledger: what a {@link Storage} does, as work. */
export interface DiskFolder {
  readonly path: string;
  names(): DiskWork<string[]>;
  size(name: string): DiskWork<number>;
  read(name: string, at?: number, length?: number): DiskWork<Uint8Array>;
  append(name: string, create: boolean): DiskWork<DiskFile>;
  truncate(name: string, length: number): DiskWork<void>;
  write(name: string, bytes: Uint8Array): DiskWork<void>;
  remove(name: string): DiskWork<void>;
  setAside(name: string): DiskWork<void>;
  syncFolder(): DiskWork<void>;
  rename(name: string, to: string): DiskWork<void>;
  lock(): DiskWork<DiskLock | { readonly heldBy: string }>;
}

/** A file that is open for appending; see {@link AppendFile}. */
export interface DiskFile {
  write(bytes: Uint8Array): DiskWork<void>;
  sync(): DiskWork<void>;
  inPlace(): DiskWork<boolean>;
  content(size: number): DiskWork<Uint8Array>;
  close(): DiskWork<void>;
}

/** The writer's lock; dispose of it to release it. */
export interface DiskLock extends Disposable {
  held(): DiskWork<boolean>;
}

/** Writes and syncs for which this thread can wait. */
export interface WaitableFile {
  /** Writes some of `bytes` at the end; the result is how many. */
  write(bytes: Uint8Array): Waitable<number>;
  syncData(): Waitable<void>;
  close(): Promise<void>;
}

/** Opens the file at `path`, which is also open as `file`, for appending; undefined where that is not possible. */
export type OpenWaitable = (path: string, file: Deno.FsFile) => Promise<WaitableFile | undefined>;

/** The folder belongs to another user. */
export class FolderNotOurs extends Error {
  override readonly name = "FolderNotOurs";
}

const LOCK = "writer.lock";
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;
/** Files that are being written end in this. What a crash leaves of them is removed by the next writer. */
export const PART = ".part";

/**
 * The folder at `path`. With `create`, for a writer, it is made with mode 0700 where it does not exist, and it must be this
 * user's, as must be each file that is continued: the owner of a folder can put anything in the place of its files, and the
 * owner of a file can change what was written.
 */
export function* diskFolder(path: string, create: boolean, waitable?: OpenWaitable): DiskWork<DiskFolder> {
  if (create) yield* ownFolder(path);
  const owner = create ? Deno.uid() ?? undefined : undefined;
  const at = (name: string) => `${path}/${name}`;
  return {
    path,
    names: () => namesOf(path),
    size: function* (name) {
      return (yield* call(() => Deno.statSync(at(name)), () => Deno.stat(at(name)))).size;
    },
    read: (name, from = 0, length) => readFile(at(name), from, length),
    append: (name, create) => appendFile(at(name), create, owner, waitable),
    truncate: (name, length) => truncateFile(at(name), length),
    write: (name, bytes) => writeWhole(path, name, bytes),
    remove: (name) => remove(at(name)),
    setAside: (name) => setAside(path, name),
    syncFolder: () => syncFolder(path),
    rename: (name, to) => rename(at(name), at(to)),
    lock: () => lockFolder(path, at(LOCK), owner),
  };
}

function* ownFolder(path: string): DiskWork<void> {
  const options = { recursive: true, mode: FOLDER_MODE };
  if ((yield* stateOf(path)) === undefined) {
    yield* call(() => Deno.mkdirSync(path, options), () => Deno.mkdir(path, options));
  }
  const { uid } = yield* call(() => Deno.statSync(path), () => Deno.stat(path));
  if (uid === Deno.uid()) return;
  throw new FolderNotOurs(`${path} belongs to user ${uid}, and this program runs as user ${Deno.uid()}`);
}

function* namesOf(path: string): DiskWork<string[]> {
  const entries = yield* call(() => [...Deno.readDirSync(path)], () => Array.fromAsync(Deno.readDir(path)));
  return entries.filter((entry) => entry.isFile).map(({ name }) => name).sort();
}

function remove(path: string): DiskWork<void> {
  return call(() => Deno.removeSync(path), () => Deno.remove(path));
}

function rename(from: string, to: string): DiskWork<void> {
  return call(() => Deno.renameSync(from, to), () => Deno.rename(from, to));
}

function* setAside(path: string, name: string): DiskWork<void> {
  const aside = `${path}/${name}`;
  const options = { mode: FOLDER_MODE };
  yield* call(() => Deno.mkdirSync(aside, options), () => Deno.mkdir(aside, options));
  for (const file of yield* namesOf(path)) {
    if (file !== LOCK) yield* rename(`${path}/${file}`, `${aside}/${file}`);
  }
  yield* syncFolder(path);
}

/** Writes the file beside its place and moves it there, because readers take no lock. */
function* writeWhole(folder: string, name: string, bytes: Uint8Array): DiskWork<void> {
  const part = `${folder}/${name}.${Deno.pid}${PART}`;
  try {
    const file = yield* appendFile(part, true);
    try {
      yield* file.write(bytes);
      yield* file.sync();
    } finally {
      yield* file.close();
    }
    yield* rename(part, `${folder}/${name}`);
  } catch (error) {
    yield* orUndefined(remove(part));
    throw error;
  }
}

function* appendFile(
  path: string,
  create: boolean,
  owner?: number,
  openWaitable?: OpenWaitable,
): DiskWork<DiskFile> {
  if (!create) yield* requireOwner(path, owner);
  const file = yield* open(path, { read: true, append: true, createNew: create, mode: FILE_MODE });
  let waitable: WaitableFile | undefined;
  let identity: FileIdentity;
  try {
    identity = yield* statOpen(file);
    // A link that another program put there since the folder was read would lead to its file.
    if (!create && !(yield* isAt(path, identity))) throw notOurs(path);
    waitable = yield* call(() => undefined, async () => await openWaitable?.(path, file));
  } catch (error) {
    file.close();
    throw error;
  }
  const writing = (bytes: Uint8Array) =>
    new MadeCall(() => file.writeSync(bytes), () => waitable?.write(bytes) ?? file.write(bytes));
  return {
    *write(bytes) {
      for (let done = 0; done < bytes.length;) {
        const made = writing(done === 0 ? bytes : bytes.subarray(done));
        yield made;
        done += made.taken;
      }
    },
    sync: () => call(() => file.syncDataSync(), () => waitable?.syncData() ?? file.syncData()),
    inPlace: () => isAt(path, identity),
    content: (size) => readOpen(file, 0, size),
    close: () => call(() => file.close(), async () => (file.close(), await waitable?.close())),
  };
}

function* readFile(path: string, at: number, length: number | undefined): DiskWork<Uint8Array> {
  if (length !== undefined) {
    return yield* withFile(path, { read: true }, (file) => readOpen(file, at, length));
  }
  const bytes = yield* call(() => Deno.readFileSync(path), () => Deno.readFile(path));
  return bytes.subarray(at);
}

function* readOpen(file: Deno.FsFile, at: number, length: number): DiskWork<Uint8Array> {
  const bytes = new Uint8Array(length);
  let done = 0;
  yield* call(() => file.seekSync(at, Deno.SeekMode.Start), () => file.seek(at, Deno.SeekMode.Start));
  while (done < length) {
    const rest = bytes.subarray(done);
    const read = yield* call(() => file.readSync(rest), () => file.read(rest));
    if (read === null) break;
    done += read;
  }
  return bytes.subarray(0, done);
}

function truncateFile(path: string, length: number): DiskWork<void> {
  return withFile(path, { write: true }, function* (file) {
    if (!(yield* isAt(path, yield* statOpen(file)))) throw notOurs(path);
    yield* call(() => file.truncateSync(length), () => file.truncate(length));
    yield* call(() => file.syncSync(), () => file.sync());
  });
}

function syncFolder(path: string): DiskWork<void> {
  return withFile(path, { read: true }, (folder) => call(() => folder.syncSync(), () => folder.sync()));
}

function open(path: string, options: Deno.OpenOptions): DiskWork<Deno.FsFile> {
  return call(() => Deno.openSync(path, options), () => Deno.open(path, options));
}

function* withFile<T>(
  path: string,
  options: Deno.OpenOptions,
  use: (file: Deno.FsFile) => DiskWork<T>,
): DiskWork<T> {
  const file = yield* open(path, options);
  try {
    return yield* use(file);
  } finally {
    file.close();
  }
}

/**
 * Takes an flock(2) of the file at `path`, and one of its folder `folder`. The kernel releases them when their process ends, in
 * whatever way, so a stale lock cannot exist. The file names the process that holds it. The lock of the folder holds even where
 * the file was removed and created again. Why not the folder alone? NFS locks only files that are open for writing.
 */
function* lockFolder(
  folder: string,
  path: string,
  owner: number | undefined,
): DiskWork<DiskLock | { readonly heldBy: string }> {
  using opened = new DisposableStack();
  yield* requireOwner(path, owner);
  const file = opened.use(yield* openLock(path));
  if (!(yield* tryLock(file))) return { heldBy: (yield* firstLine(file)) || "an unknown process" };
  const identity = yield* statOpen(file);
  // Between the look at the path and its opening a link may have come there, or another lock file.
  if (!(yield* isAt(path, identity))) throw notOurs(path);
  const place = opened.use(yield* open(folder, { read: true }));
  const placeIdentity = yield* statOpen(place);
  if (!(yield* tryLockFolder(place))) return { heldBy: "an unknown process" };
  const line = new TextEncoder().encode(`process ${Deno.pid}\n`);
  yield* call(() => file.truncateSync(0), () => file.truncate(0));
  yield* call(() => file.writeSync(line), () => file.write(line));
  const locks = opened.move();
  return {
    held: function* () {
      return (yield* isAt(path, identity)) && (yield* isFolderAt(folder, placeIdentity));
    },
    [Symbol.dispose]: () => locks.dispose(),
  };
}

function tryLock(file: Deno.FsFile): DiskWork<boolean> {
  return call(() => file.tryLockSync(true), () => file.tryLock(true));
}

/** Whether no other process holds the folder. Where folders cannot be locked, the lock of the file must do. */
function* tryLockFolder(folder: Deno.FsFile): DiskWork<boolean> {
  try {
    return yield* tryLock(folder);
  } catch (error) {
    if (codeOf(error) === "EBADF") return true;
    throw error;
  }
}

/** Opens the lock file, and creates it where it does not exist. Deno 2.9 has no O_NOFOLLOW, but `createNew` follows no link. */
function* openLock(path: string): DiskWork<Deno.FsFile> {
  const found = yield* stateOf(path);
  if (found !== undefined && !found.isFile) throw notOurs(path);
  const options = { read: true, write: true };
  try {
    if (found === undefined) return yield* open(path, { ...options, createNew: true, mode: FILE_MODE });
  } catch (error) {
    // Another writer created it meanwhile.
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
  return yield* open(path, options);
}

function* firstLine(file: Deno.FsFile): DiskWork<string> {
  const bytes = yield* readOpen(file, 0, 100);
  return new TextDecoder().decode(bytes).split("\n")[0]!.trim();
}

/** What stays the same while a file is open: it is asked for once, because each call of the disk is one on another thread. */
type FileIdentity = Pick<Deno.FileInfo, "dev" | "ino">;

/** Whether the open file `identity` is what is at `path`, which is no link. */
function* isAt(path: string, identity: FileIdentity): DiskWork<boolean> {
  return isSame(identity, yield* stateOf(path));
}

/** As {@link isAt}, through links: the path of the folder may be one. */
function* isFolderAt(path: string, identity: FileIdentity): DiskWork<boolean> {
  return isSame(identity, yield* orUndefined(call(() => Deno.statSync(path), () => Deno.stat(path))));
}

function isSame(here: FileIdentity, there: FileIdentity | undefined): boolean {
  return here.dev === there?.dev && here.ino === there.ino;
}

function statOpen(file: Deno.FsFile): DiskWork<Deno.FileInfo> {
  return call(() => file.statSync(), () => file.stat());
}

/** What is at `path`, without following a link; undefined where there is nothing. */
function stateOf(path: string): DiskWork<Deno.FileInfo | undefined> {
  return orUndefined(call(() => Deno.lstatSync(path), () => Deno.lstat(path)));
}

/** Undefined where there is nothing. */
function* orUndefined<Result>(look: DiskWork<Result>): DiskWork<Result | undefined> {
  try {
    return yield* look;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Throws where a file of a user other than `owner` is at `path`. */
function* requireOwner(path: string, owner: number | undefined): DiskWork<void> {
  const uid = (yield* stateOf(path))?.uid ?? undefined;
  if (owner === undefined || uid === undefined || uid === owner) return;
  const message = `${path} belongs to user ${uid}, and this program runs as user ${owner}`;
  throw Object.assign(new Error(message), { code: "EPERM" });
}

function notOurs(path: string): Error {
  return Object.assign(new Error(`${path}: it is a link, or not a file`), { code: "EINVAL" });
}
