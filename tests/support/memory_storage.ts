// A ledger's folder in memory. Tests can cut it, flip its bytes, freeze it, and let its n-th call fail.

import type { AppendFile, Storage } from "../../src/ledger/storage.ts";

/** A storage whose files a test can look at and change. */
export interface MemoryStorage extends Storage {
  readonly files: Map<string, Uint8Array>;
  /** How many bytes of each file are durable: a power cut leaves them. */
  readonly synced: Map<string, number>;
  /** Files that were set aside, by name. */
  readonly aside: Map<string, Map<string, Uint8Array>>;
  /** Set when another program has replaced the folder. */
  gone: boolean;
  /** Called before each write and sync; throw to make it fail. */
  fault: (call: "write" | "sync" | "create" | "truncate" | "syncFolder" | "lock") => void;
}

/** The error of a failing disk. */
export function storageError(code: "ENOSPC" | "EIO" | "EROFS"): Error {
  return Object.assign(new Error(`${code} for a test`), { code });
}

/** An empty folder, or one that holds a copy of `files`. */
export function memoryStorage(files: ReadonlyMap<string, Uint8Array> = new Map()): MemoryStorage {
  let locked = false;
  const storage: MemoryStorage = {
    aside: new Map(),
    synced: new Map(),
    path: "memory",
    files: new Map([...files].map(([name, bytes]) => [name, bytes.slice()])),
    gone: false,
    fault: () => {},
    names: () => [...storage.files.keys()].sort(),
    size: (name) => fileOf(storage, name).length,
    read: (name, at = 0, length = Infinity) => fileOf(storage, name).subarray(at, at + length),
    append(name, create) {
      storage.fault("create");
      if (create && storage.files.has(name)) throw new Deno.errors.AlreadyExists(name);
      if (create) storage.files.set(name, new Uint8Array());
      return appendFile(storage, name);
    },
    truncate(name, length) {
      storage.fault("truncate");
      storage.files.set(name, storage.files.get(name)!.slice(0, length));
    },
    write(name, bytes) {
      // It is written beside its place and moved there, as on a disk.
      for (const call of ["create", "write", "sync"] as const) storage.fault(call);
      // A Buffer's own slice would share its bytes.
      storage.files.set(name, new Uint8Array(bytes));
      storage.synced.set(name, bytes.length);
    },
    remove: (name) => void storage.files.delete(name),
    setAside(name, first) {
      const before = new Map(storage.files);
      storage.write(first.name, first.bytes);
      storage.files.clear();
      storage.files.set(first.name, new Uint8Array(first.bytes));
      storage.aside.set(name, before);
    },
    endAside: () => {},
    syncFolder: () => storage.fault("syncFolder"),
    rename(name, to) {
      storage.files.set(to, storage.files.get(name)!);
      storage.files.delete(name);
    },
    lock() {
      storage.fault("lock");
      if (locked) return { heldBy: "the test" };
      locked = true;
      return { held: () => !storage.gone, [Symbol.dispose]: () => void (locked = false) };
    },
  };
  return storage;
}

function fileOf({ files }: MemoryStorage, name: string): Uint8Array {
  const bytes = files.get(name);
  if (bytes === undefined) throw new Deno.errors.NotFound(name);
  return bytes;
}

function appendFile(storage: MemoryStorage, name: string): AppendFile {
  let last = storage.files.get(name)!;
  return {
    write(bytes) {
      const before = storage.files.get(name)!;
      const grown = new Uint8Array(before.length + bytes.length);
      grown.set(before);
      try {
        storage.fault("write");
      } catch (error) {
        // A full disk accepts a part of a write.
        grown.set(bytes.subarray(0, bytes.length / 2), before.length);
        storage.files.set(name, grown.slice(0, before.length + Math.floor(bytes.length / 2)));
        throw error;
      }
      grown.set(bytes, before.length);
      storage.files.set(name, last = grown);
    },
    sync() {
      storage.fault("sync");
      storage.synced.set(name, storage.files.get(name)!.length);
    },
    // Another program cannot replace a file of this storage, only remove it.
    inPlace: () => storage.files.has(name),
    content: (size) => last.slice(0, size),
    close: () => {},
  };
}
