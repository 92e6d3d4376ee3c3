// A real folder that holds a ledger, as work on a disk. Its files are this user's alone, and links are not followed.

import { call, type DiskWork } from "./disk_work.ts";
import { isAt, notOurs, orUndefined, requireOwner, stateOf } from "./file_place.ts";
import { type DiskLock, LOCK, lockFolder } from "./folder_lock.ts";
import { segmentsAmong } from "./format.ts";
import {
  closeFile,
  FILE_MODE,
  type FileIdentity,
  identityOf,
  type OpenAside,
  openFile,
  readOpen,
  syncOpen,
  truncateOpen,
  withFile,
  writeOpen,
} from "./open_file.ts";

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
  setAside(name: string, first: WholeFile): DiskWork<void>;
  endAside(): DiskWork<void>;
  syncFolder(): DiskWork<void>;
  rename(name: string, to: string): DiskWork<void>;
  lock(): DiskWork<DiskLock | { readonly heldBy: string }>;
}

/** A file, to be written at once. */
export interface WholeFile {
  /** Its name in the folder. */
  readonly name: string;
  /** Its content. */
  readonly bytes: Uint8Array;
}

/** A file that is open for appending; see {@link AppendFile}. */
export interface DiskFile {
  write(bytes: Uint8Array): DiskWork<void>;
  sync(): DiskWork<void>;
  inPlace(): DiskWork<boolean>;
  content(size: number): DiskWork<Uint8Array>;
  close(): DiskWork<void>;
}

/** The folder belongs to another user. */
export class FolderNotOurs extends Error {
  override readonly name = "FolderNotOurs";
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

const FOLDER_MODE = 0o700;
/** Files that are being written end in this. What a crash leaves of them is removed by the next writer. */
export const PART = ".part";
/** The folder into which files are being moved ends in this. What a crash left there is moved back by the next writer. */
const MOVING = ".moving";
/** Its end once all are there, and until the first segment of the new ledger is in their place: that is all that the next start has. */
const MOVED = ".moved";

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
    setAside: (name, first) => setAside(path, name, first, aside),
    endAside: () => endAside(path),
    syncFolder: () => syncFolder(path),
    rename: (name, to) => rename(at(name), at(to)),
    lock: () => lockFolder(path, owner, aside),
  };
}

/** `folder`, where `require` is called before each change: it throws where the path leads to another folder meanwhile. */
export function guardedFolder(folder: DiskFolder, require: () => DiskWork<void>): DiskFolder {
  function guarded<Args extends unknown[], Result>(change: (...args: Args) => DiskWork<Result>) {
    return function* (...args: Args): DiskWork<Result> {
      yield* require();
      return yield* change(...args);
    };
  }
  return {
    ...folder,
    append: guarded(folder.append),
    truncate: guarded(folder.truncate),
    write: guarded(folder.write),
    remove: guarded(folder.remove),
    setAside: guarded(folder.setAside),
    endAside: guarded(folder.endAside),
    rename: guarded(folder.rename),
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
  return (yield* entriesOf(path)).filter((entry) => entry.isFile).map(({ name }) => name).sort();
}

function entriesOf(path: string): DiskWork<Deno.DirEntry[]> {
  return call(() => [...Deno.readDirSync(path)], () => Array.fromAsync(Deno.readDir(path)));
}

function remove(path: string): DiskWork<void> {
  return call(() => Deno.removeSync(path), () => Deno.remove(path));
}

function rename(from: string, to: string): DiskWork<void> {
  return call(() => Deno.renameSync(from, to), () => Deno.rename(from, to));
}

/**
 * Moves all files, and puts the file `first` in their place, or does nothing: a disk without room may refuse any of the names, and half of
 * a ledger is none. Wherever a crash or a power cut interrupts it, {@link endAside} finds what was known.
 */
function* setAside(
  path: string,
  name: string,
  first: WholeFile,
  aside: OpenAside | undefined,
): DiskWork<void> {
  const moving = `${path}/${name}${MOVING}`;
  const options = { mode: FOLDER_MODE };
  yield* call(() => Deno.mkdirSync(moving, options), () => Deno.mkdir(moving, options));
  try {
    for (const file of yield* namesOf(path)) {
      if (file !== LOCK) yield* rename(`${path}/${file}`, `${moving}/${file}`);
    }
    yield* syncFolder(moving);
    yield* syncFolder(path);
    yield* rename(moving, `${path}/${name}${MOVED}`);
    yield* syncFolder(path);
    yield* writeWhole(path, first.name, first.bytes, aside);
  } catch (error) {
    yield* endAside(path);
    throw error;
  }
  yield* endAside(path);
}

/** Ends what {@link setAside} began: a new ledger stays once its first segment is there, else the files are moved back. */
function* endAside(path: string): DiskWork<void> {
  for (const { name, isDirectory } of yield* entriesOf(path)) {
    if (!isDirectory) continue;
    const at = `${path}/${name}`;
    if (name.endsWith(MOVING)) yield* moveBack(path, at);
    if (!name.endsWith(MOVED)) continue;
    const to = at.slice(0, -MOVED.length);
    const isBegun = segmentsAmong(yield* namesOf(path)).length > 0;
    if (!isBegun) yield* rename(at, `${to}${MOVING}`);
    yield* syncFolder(path);
    if (isBegun) yield* rename(at, to);
    else yield* moveBack(path, `${to}${MOVING}`);
  }
}

/** Where another file has the name of one, as where an older version of this program has begun a new ledger, all of them stay. */
function* moveBack(path: string, moving: string): DiskWork<void> {
  const files = yield* namesOf(moving);
  if (!new Set(files).isDisjointFrom(new Set(yield* namesOf(path)))) {
    return yield* rename(moving, moving.slice(0, -MOVING.length));
  }
  for (const file of files) yield* rename(`${moving}/${file}`, `${path}/${file}`);
  yield* syncFolder(path);
  yield* remove(moving);
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
  const file = yield* openFile(path, how, aside);
  let identity: FileIdentity;
  try {
    identity = yield* identityOf(file);
    // A link that another program put there since the folder was read would lead to its file.
    if (!create && !(yield* isAt(path, identity))) throw notOurs(path);
  } catch (error) {
    yield* closeFile(file);
    throw error;
  }
  return {
    write: (bytes) => writeOpen(file, bytes),
    sync: () => call(() => file.here!.syncDataSync(), () => file.aside.syncData()),
    inPlace: () => isAt(path, identity),
    content: (size) => readOpen(file, 0, size),
    close: () => closeFile(file),
  };
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

function truncateFile(path: string, length: number, aside: OpenAside | undefined): DiskWork<void> {
  return withFile(path, { write: true }, function* (file) {
    if (!(yield* isAt(path, yield* identityOf(file)))) throw notOurs(path);
    yield* truncateOpen(file, length);
    yield* syncOpen(file);
  }, aside);
}

function syncFolder(path: string): DiskWork<void> {
  return withFile(path, { read: true }, syncOpen);
}
