// Finds the last checkpoint of a ledger. Threads of the runtime read the files, because a disk may hang.

import { type Checkpoint, noteOf, readCheckpoint } from "../ledger/checkpoint.ts";
import type { LoadedFile } from "../ledger/disk_messages.ts";
import { readBackward } from "../ledger/reader.ts";
import type { Storage } from "../ledger/storage.ts";
import { LedgerFiles } from "./ledger_files.ts";

/** The last checkpoint of the ledger in `folder` that is not before @`since`. */
export async function lastCheckpoint(folder: string, since: number): Promise<Checkpoint | undefined> {
  const unread: LoadedFile[] = [];
  for await (const { name, isFile } of Deno.readDir(folder)) {
    if (isFile) unread.push({ name });
  }
  unread.sort((a, b) => a.name < b.name ? -1 : 1);
  const files = new LedgerFiles(folder, unread, {
    async read(wanted) {
      const read = new Map<string, LoadedFile>();
      for (const name of wanted) {
        const bytes = await Deno.readFile(`${folder}/${name}`);
        read.set(name, { name, content: { size: bytes.length, bytes } });
      }
      return unread.map((file) => read.get(file.name) ?? file);
    },
  });
  return await files.look((storage) => findCheckpoint(storage, since));
}

function findCheckpoint(storage: Storage, since: number): Checkpoint | undefined {
  for (const { offset, record } of readBackward(storage)) {
    if (offset < since) return undefined;
    const note = noteOf(record);
    const read = note === undefined ? "none" : readCheckpoint(note);
    if (typeof read !== "string") return read;
  }
  return undefined;
}
