// The one seam between the ledger and a disk: a folder of append-only files. All calls are synchronous, as the path
// from event to rule is. Errors of the system are thrown as they are.

/** A folder that holds one ledger. */
export interface Storage {
  /** For messages: the folder's path. */
  readonly path: string;
  /** Names of all files, in code unit order. */
  names(): string[];
  /** Size of a file in bytes. */
  size(name: string): number;
  /** The content of a file, or `length` bytes of it from byte `at` on: fewer where it ends before. */
  read(name: string, at?: number, length?: number): Uint8Array;
  /** Opens a file to append to; with `create` it must not exist yet. */
  append(name: string, create: boolean): AppendFile;
  /** Cuts a file to `length` bytes. */
  truncate(name: string, length: number): void;
  /** Writes a new file, whole and durable. */
  write(name: string, bytes: Uint8Array): void;
  /** Removes a file. */
  remove(name: string): void;
  /** Moves every file but the lock into a new folder `name` beside them. */
  setAside(name: string): void;
  /** Makes created and removed names durable. */
  syncFolder(): void;
  /** Takes the writer's lock, or says who has it. */
  lock(): Disposable | { readonly heldBy: string };
}

/** A file that only grows. */
export interface AppendFile {
  /** Writes all of `bytes` at the end. */
  write(bytes: Uint8Array): void;
  /** Makes what was written durable. */
  sync(): void;
  /** Releases the file. */
  close(): void;
}

/** errno(3): no space, quota, read-only, I/O error, no such device, file too large, too many files, stale handle. */
const STORAGE_FAILURES: ReadonlySet<string> = new Set(
  ["ENOSPC", "EDQUOT", "EROFS", "EIO", "ENODEV", "ENXIO", "EFBIG", "EMFILE", "ENFILE", "ESTALE"],
);

/** What the system says of a disk; anything else is a fault of this program, or says who has the ledger. */
export function isStorageFailure(error: unknown): boolean {
  return error instanceof Error && "code" in error && STORAGE_FAILURES.has(String(error.code));
}

const LOCK = "writer.lock";
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;

/** A folder of the file system; created with mode 0700 where `create` is set. */
export function folderStorage(path: string, create: boolean): Storage {
  if (create) Deno.mkdirSync(path, { recursive: true, mode: FOLDER_MODE });
  return {
    path,
    names: () => [...Deno.readDirSync(path)].filter((entry) => entry.isFile).map(({ name }) => name).sort(),
    size: (name) => Deno.statSync(`${path}/${name}`).size,
    read: (name, at = 0, length) => readFile(`${path}/${name}`, at, length),
    append: (name, create) => appendFile(`${path}/${name}`, create),
    truncate: (name, length) => truncateFile(`${path}/${name}`, length),
    write(name, bytes) {
      const file = appendFile(`${path}/${name}`, true);
      try {
        file.write(bytes);
        file.sync();
      } finally {
        file.close();
      }
    },
    remove: (name) => Deno.removeSync(`${path}/${name}`),
    setAside(name) {
      Deno.mkdirSync(`${path}/${name}`, { mode: FOLDER_MODE });
      for (const file of this.names()) {
        if (file !== LOCK) Deno.renameSync(`${path}/${file}`, `${path}/${name}/${file}`);
      }
      syncFolder(path);
    },
    syncFolder: () => syncFolder(path),
    lock: () => lockFile(`${path}/${LOCK}`),
  };
}

function appendFile(path: string, create: boolean): AppendFile {
  const file = Deno.openSync(path, { append: true, createNew: create, mode: FILE_MODE });
  return {
    write(bytes) {
      for (let done = 0; done < bytes.length;) done += file.writeSync(bytes.subarray(done));
    },
    sync: () => file.syncDataSync(),
    close: () => file.close(),
  };
}

function readFile(path: string, at: number, length: number | undefined): Uint8Array {
  if (length === undefined) return Deno.readFileSync(path).subarray(at);
  const bytes = new Uint8Array(length);
  let done = 0;
  withFile(path, { read: true }, (file) => {
    file.seekSync(at, Deno.SeekMode.Start);
    for (let read; done < length && (read = file.readSync(bytes.subarray(done))) !== null;) done += read;
  });
  return bytes.subarray(0, done);
}

function truncateFile(path: string, length: number): void {
  withFile(path, { write: true }, (file) => {
    file.truncateSync(length);
    file.syncSync();
  });
}

function syncFolder(path: string): void {
  withFile(path, { read: true }, (folder) => folder.syncSync());
}

function withFile(path: string, options: Deno.OpenOptions, use: (file: Deno.FsFile) => void): void {
  const file = Deno.openSync(path, options);
  try {
    use(file);
  } finally {
    file.close();
  }
}

/** An flock(2): the kernel releases it when its process ends, however it ends, so a stale lock cannot exist. */
function lockFile(path: string): Disposable | { heldBy: string } {
  const file = Deno.openSync(path, { read: true, write: true, create: true, mode: FILE_MODE });
  if (!file.tryLockSync(true)) {
    file.close();
    return { heldBy: Deno.readTextFileSync(path).trim() || "an unknown process" };
  }
  file.truncateSync(0);
  file.writeSync(new TextEncoder().encode(`process ${Deno.pid}\n`));
  return { [Symbol.dispose]: () => file.close() };
}
