// A real folder that holds a ledger, as work on a disk. Its files are this user's alone, and links are not followed.

import { codeOf, messageOf } from "../thrown.ts";
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

/** The writer's lock. */
export interface DiskLock {
  held(): DiskWork<boolean>;
  release(): DiskWork<void>;
}

/** An open file whose calls other threads make; for some of them this thread can wait. */
export interface AsideFile {
  identity(): Promise<FileIdentity>;
  /** Reads some bytes from byte `at` on into `bytes`; the result is how many. */
  read(bytes: Uint8Array, at: number): Promise<number>;
  /** Writes some of `bytes` at the end, or at the beginning of a file that is not only appended to; the result is how many. */
  write(bytes: Uint8Array): Later<number>;
  truncate(length: number): Promise<void>;
  sync(): Promise<void>;
  syncData(): Later<void>;
  /** False where another process has the lock. */
  tryLock(): Promise<boolean>;
  close(): Promise<void>;
}

type Later<Result> = Promise<Result> | Waitable<Result>;

/** `isWaited`: whether the writes and syncs are to be such that this thread can wait for them. Others answer sooner if it does not. */
export interface OpenHow extends Deno.OpenOptions {
  readonly isWaited?: boolean;
}

/** Opens the file at `path`; undefined where that is not possible. */
export type OpenAside = (path: string, how: OpenHow) => Promise<AsideFile | undefined>;

/** What stays the same while a file is open: it is asked for once, because each call of the disk is one on another thread. */
export type FileIdentity = Pick<Deno.FileInfo, "dev" | "ino">;

/** An open file: `here` where calls are made at once. */
interface OpenFile {
  readonly here?: Deno.FsFile;
  readonly aside: AsideFile;
}

/** The folder belongs to another user. */
export class FolderNotOurs extends Error {
  override readonly name = "FolderNotOurs";
}

/** Whether the disk failed because it is full, or because its user may not have more of it. */
export function isRoomLacking(error: unknown): boolean {
  const code = codeOf(error);
  return code === "ENOSPC" || code === "EDQUOT" || / \(os error 122\)/.test(messageOf(error));
}

/** A file that shows that the disk takes files. What a crash leaves of it is removed as other unfinished files are. */
const TRIED = "tried.part";
/** Its bytes: some pages, so that no file system keeps it beside its name. */
const TRIED_BYTES = 16 * 1024;

/** Writes a small file and removes it. Throws what the disk throws that takes none. */
export function* tryDisk(folder: Pick<DiskFolder, "write" | "remove">): DiskWork<void> {
  yield* folder.write(TRIED, new Uint8Array(TRIED_BYTES));
  yield* folder.remove(TRIED);
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
export function* diskFolder(path: string, create: boolean, aside?: OpenAside): DiskWork<DiskFolder> {
  if (create) yield* ownFolder(path);
  const owner = create ? Deno.uid() ?? undefined : undefined;
  const at = (name: string) => `${path}/${name}`;
  return {
    path,
    names: () => namesOf(path),
    size: function* (name) {
      return (yield* call(() => Deno.statSync(at(name)), () => Deno.stat(at(name)))).size;
    },
    read: (name, from = 0, length) => readFile(at(name), from, length, aside),
    append: (name, create) => appendFile(at(name), create, owner, aside, true),
    truncate: (name, length) => truncateFile(at(name), length, aside),
    write: (name, bytes) => writeWhole(path, name, bytes, aside),
    remove: (name) => remove(at(name)),
    setAside: (name) => setAside(path, name),
    syncFolder: () => syncFolder(path),
    rename: (name, to) => rename(at(name), at(to)),
    lock: () => lockFolder(path, at(LOCK), owner, aside),
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

/** Moves all files or none: a disk without room may refuse any of the names, and half of a ledger is none. */
function* setAside(path: string, name: string): DiskWork<void> {
  const aside = `${path}/${name}`;
  const options = { mode: FOLDER_MODE };
  yield* call(() => Deno.mkdirSync(aside, options), () => Deno.mkdir(aside, options));
  const moved: string[] = [];
  try {
    for (const file of yield* namesOf(path)) {
      if (file === LOCK) continue;
      yield* rename(`${path}/${file}`, `${aside}/${file}`);
      moved.push(file);
    }
    yield* syncFolder(path);
  } catch (error) {
    for (const file of moved) yield* rename(`${aside}/${file}`, `${path}/${file}`);
    yield* remove(aside);
    throw error;
  }
}

/** Writes the file beside its place and moves it there, because readers take no lock. */
function* writeWhole(
  folder: string,
  name: string,
  bytes: Uint8Array,
  aside: OpenAside | undefined,
): DiskWork<void> {
  const part = `${folder}/${name}.${Deno.pid}${PART}`;
  try {
    const file = yield* appendFile(part, true, undefined, aside, false);
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
  owner: number | undefined,
  aside: OpenAside | undefined,
  isWaited: boolean,
): DiskWork<DiskFile> {
  if (!create) yield* requireOwner(path, owner);
  const how = { read: true, append: true, createNew: create, mode: FILE_MODE, isWaited };
  const file = yield* open(path, how, aside);
  let identity: FileIdentity;
  try {
    identity = yield* identityOf(file);
    // A link that another program put there since the folder was read would lead to its file.
    if (!create && !(yield* isAt(path, identity))) throw notOurs(path);
  } catch (error) {
    yield* close(file);
    throw error;
  }
  return {
    write: (bytes) => writeOpen(file, bytes),
    sync: () => call(() => file.here!.syncDataSync(), () => file.aside.syncData()),
    inPlace: () => isAt(path, identity),
    content: (size) => readOpen(file, 0, size),
    close: () => close(file),
  };
}

function* writeOpen({ here, aside }: OpenFile, bytes: Uint8Array): DiskWork<void> {
  for (let done = 0; done < bytes.length;) {
    const rest = done === 0 ? bytes : bytes.subarray(done);
    const made = new MadeCall(() => here!.writeSync(rest), () => aside.write(rest));
    yield made;
    done += made.taken;
  }
}

function close({ here, aside }: OpenFile): DiskWork<void> {
  return call(() => here!.close(), () => aside.close());
}

function* readFile(
  path: string,
  at: number,
  length: number | undefined,
  aside: OpenAside | undefined,
): DiskWork<Uint8Array> {
  if (length !== undefined) {
    return yield* withFile(path, { read: true }, (file) => readOpen(file, at, length), aside);
  }
  const bytes = yield* call(() => Deno.readFileSync(path), () => Deno.readFile(path));
  return bytes.subarray(at);
}

/** Room behind what is read: a few bytes could be moved in memory while another thread reads them. */
const READ_BYTES_MIN = 128;

function* readOpen({ here, aside }: OpenFile, at: number, length: number): DiskWork<Uint8Array> {
  const bytes = new Uint8Array(Math.max(length, READ_BYTES_MIN));
  let done = 0;
  while (done < length) {
    const rest = length - done < READ_BYTES_MIN
      ? new Uint8Array(READ_BYTES_MIN)
      : bytes.subarray(done, length);
    const from = at + done;
    const read = yield* call(() => {
      here!.seekSync(from, Deno.SeekMode.Start);
      return here!.readSync(rest) ?? 0;
    }, () => aside.read(rest, from));
    if (read === 0) break;
    if (rest.buffer !== bytes.buffer) bytes.set(rest.subarray(0, Math.min(read, length - done)), done);
    done += read;
  }
  return bytes.subarray(0, Math.min(done, length));
}

function truncateFile(path: string, length: number, aside: OpenAside | undefined): DiskWork<void> {
  return withFile(path, { write: true }, function* (file) {
    if (!(yield* isAt(path, yield* identityOf(file)))) throw notOurs(path);
    yield* truncateOpen(file, length);
    yield* syncOpen(file);
  }, aside);
}

function truncateOpen({ here, aside }: OpenFile, length: number): DiskWork<void> {
  return call(() => here!.truncateSync(length), () => aside.truncate(length));
}

function syncOpen({ here, aside }: OpenFile): DiskWork<void> {
  return call(() => here!.syncSync(), () => aside.sync());
}

function syncFolder(path: string): DiskWork<void> {
  return withFile(path, { read: true }, syncOpen);
}

/** Opens a file, or a folder, for which nothing is written back when it is closed: its calls may be those of the runtime. */
function open(path: string, options: OpenHow, aside?: OpenAside): DiskWork<OpenFile> {
  return call<OpenFile>(() => {
    const here = Deno.openSync(path, options);
    return { here, aside: asideOf(here) };
  }, async () => ({ aside: await openAside(path, options, aside) }));
}

/** Opens a file whose calls other threads make: with `aside`, or, where that is not possible, with the runtime. */
export async function openAside(
  path: string,
  options: OpenHow,
  aside: OpenAside | undefined,
): Promise<AsideFile> {
  return await aside?.(path, options) ?? asideOf(await Deno.open(path, options));
}

/** The runtime's own calls. */
function asideOf(file: Deno.FsFile): AsideFile {
  return {
    identity: () => file.stat(),
    async read(bytes, at) {
      await file.seek(at, Deno.SeekMode.Start);
      return await file.read(bytes) ?? 0;
    },
    write: (bytes) => file.write(bytes),
    truncate: (length) => file.truncate(length),
    sync: () => file.sync(),
    syncData: () => file.syncData(),
    tryLock: () => file.tryLock(true),
    close: () => Promise.resolve(file.close()),
  };
}

function* withFile<T>(
  path: string,
  options: Deno.OpenOptions,
  use: (file: OpenFile) => DiskWork<T>,
  aside?: OpenAside,
): DiskWork<T> {
  const file = yield* open(path, options, aside);
  try {
    return yield* use(file);
  } finally {
    yield* close(file);
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
  aside: OpenAside | undefined,
): DiskWork<DiskLock | { readonly heldBy: string }> {
  yield* requireOwner(path, owner);
  const opened: OpenFile[] = [];
  const release = function* () {
    for (let file = opened.pop(); file !== undefined; file = opened.pop()) yield* close(file);
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
  const place = yield* open(folder, { read: true });
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
      return yield* open(path, { ...options, createNew: true, mode: FILE_MODE }, aside);
    }
  } catch (error) {
    // Another writer created it meanwhile.
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
  return yield* open(path, options, aside);
}

function* firstLine(file: OpenFile): DiskWork<string> {
  const bytes = yield* readOpen(file, 0, 100);
  return new TextDecoder().decode(bytes).split("\n")[0]!.trim();
}

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

function identityOf({ here, aside }: OpenFile): DiskWork<FileIdentity> {
  return call<FileIdentity>(() => here!.statSync(), () => aside.identity());
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
