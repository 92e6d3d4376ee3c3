// The folder of a ledger as its worker has read it. A start folds the ledger from these copies, so that a disk that hangs cannot
// stop it. Nothing can be changed through them.

import { NotLoaded, type Storage } from "./storage.ts";
import type { LoadedFile } from "./worker_messages.ts";

/** The folder at `path` with `files`. Its `read` throws {@link NotLoaded}. */
export function loadedFolder(path: string, files: readonly LoadedFile[]): Storage {
  const byName = new Map(files.map((file) => [file.name, file]));
  const refuse = (): never => {
    throw new TypeError("the worker alone changes the folder of the ledger");
  };
  return {
    path,
    names: () => [...byName.keys()],
    size: (name) => byName.get(name)?.size ?? 0,
    read(name, at = 0, length = Infinity) {
      const bytes = byName.get(name)?.bytes;
      if (bytes === undefined) throw new NotLoaded(name);
      return bytes.subarray(at, at + length);
    },
    append: refuse,
    truncate: refuse,
    write: refuse,
    remove: refuse,
    rename: refuse,
    setAside: refuse,
    syncFolder: refuse,
    lock: refuse,
  };
}

/** `before` with the contents that `files` have. */
export function withContents(before: readonly LoadedFile[], files: readonly LoadedFile[]): LoadedFile[] {
  const known = new Map(before.map((file) => [file.name, file]));
  return files.map((file) => file.bytes === undefined ? known.get(file.name) ?? file : file);
}
