// Reads files and folders while the program runs. Each call of the disk is on another thread of the runtime: the disk may hang in one for
// ever, and the loop must go on. Why not Deno.open? The loop itself would close the file, which may hang as well.

import { FileTooLong, readTextUpTo } from "./bounded_file.ts";

/** Reads that are under way, by path. A disk that hangs holds one thread for each path, however often it is asked. */
const reading = new Map<string, Promise<string>>();
/** Places that are looked up, and folders that are read. */
let looking = 0;

/** Whether a call of the disk is under way. It keeps the process from ending by itself, as long as it hangs. */
export function isReading(): boolean {
  return reading.size + looking > 0;
}

/** What is at `path`. The promise stays pending while the disk does not answer. */
export async function statUnblocked(path: string): Promise<Deno.FileInfo> {
  looking++;
  try {
    return await Deno.stat(path);
  } finally {
    looking--;
  }
}

/** What is in the folder at `path`. The promise stays pending while the disk does not answer. */
export async function readFolderUnblocked(path: string): Promise<Deno.DirEntry[]> {
  looking++;
  try {
    return await Array.fromAsync(Deno.readDir(path));
  } finally {
    looking--;
  }
}

/** The text of the file at `path`, as `readTextUpTo` has it. The promise stays pending while the disk does not answer. */
export function readTextUnblocked(path: string, limit: number): Promise<string> {
  const known = reading.get(path);
  if (known !== undefined) return known;
  const text = read(path, limit).finally(() => reading.delete(path));
  reading.set(path, text);
  return text;
}

async function read(path: string, limit: number): Promise<string> {
  const { isFile, size } = await Deno.stat(path);
  // A pipe or device is no part of a disk. What may be read of one is decided there.
  if (!isFile) return readTextUpTo(path, limit);
  if (size > limit) throw new FileTooLong(path, limit);
  const bytes = await Deno.readFile(path);
  if (bytes.length > limit) throw new FileTooLong(path, limit);
  return new TextDecoder().decode(bytes);
}
