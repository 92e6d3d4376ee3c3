// The folder of a ledger as the writer has read it. A start folds the ledger from these copies, so that a disk that hangs cannot
// stop it. Nothing can be changed through them.

import { NotLoaded, type Storage } from "./storage.ts";
import type { LoadedFile } from "./disk_messages.ts";

/** The folder at `path` with `files`. Its `read` throws {@link NotLoaded}. */
export function loadedFolder(path: string, files: readonly LoadedFile[]): Storage {
  const byName = new Map(files.map((file) => [file.name, file]));
  const refuse = (): never => {
    throw new TypeError("the writer alone changes the folder of the ledger");
  };
  const contentOf = (name: string) => {
    const content = byName.get(name)?.content;
    if (content === undefined) throw new NotLoaded(name);
    return content;
  };
  return {
    path,
    names: () => [...byName.keys()],
    size: (name) => contentOf(name).size,
    read: (name, at = 0, length = Infinity) => contentOf(name).bytes.subarray(at, at + length),
    append: refuse,
    truncate: refuse,
    write: refuse,
    remove: refuse,
    rename: refuse,
    setAside: refuse,
    endAside: refuse,
    syncFolder: refuse,
    lock: refuse,
  };
}

/** `before` with the contents that `files` have. */
export function withContents(before: readonly LoadedFile[], files: readonly LoadedFile[]): LoadedFile[] {
  const known = new Map(before.map((file) => [file.name, file]));
  return files.map((file) => file.content === undefined ? known.get(file.name) ?? file : file);
}
