// The journal of a closed segment, in a file beside it: text that a question made of the segment's records and would otherwise make
// again. The segment alone is the truth: a journal that cannot be read is made again. This room does not know what is in it.
//
// The file has the name of its segment, with ".journal.zst" instead of ".ndjson". Its content is compressed with zstd: a line with
// the SHA-256 of what follows, and the text. A changed bit makes it a journal that cannot be read, never one that is wrong.

import { hash } from "node:crypto";
import { zstdCompressSync } from "node:zlib";
import { JOURNAL_BYTES_MAX } from "../limits.ts";
import { codeOf } from "../thrown.ts";
import { readDecompressed } from "./compression.ts";
import type { Storage } from "./storage.ts";

/** File name of the journal of the segment whose first record has offset `first`. */
export function journalName(first: number): string {
  return `${String(first).padStart(20, "0")}.journal.zst`;
}

/** The journal of the segment that begins at `first`; undefined where there is none that can be read. */
export function readJournal(storage: Storage, first: number): string | undefined {
  const file = journalName(first);
  if (!storage.names().includes(file)) return undefined;
  try {
    const bytes = readDecompressed(storage, file, JOURNAL_BYTES_MAX);
    return typeof bytes === "string" ? undefined : checkedText(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}

/** Keeps `text` as the journal of the segment that begins at `first`, where this user may write to the folder. */
export function writeJournal(storage: Storage, first: number, text: string): void {
  const file = journalName(first);
  try {
    if (storage.names().includes(file)) storage.remove(file);
    storage.write(file, zstdCompressSync(new TextEncoder().encode(`${hashOf(text)}\n${text}`)));
  } catch (error) {
    // This user may not write to the folder, or another question made the same file. Answers need no file.
    if (codeOf(error) === undefined) throw error;
  }
}

function hashOf(text: string): string {
  return hash("sha256", text, "hex");
}

/** The text behind its hash; undefined where the hash is that of another text. */
function checkedText(content: string): string | undefined {
  const end = content.indexOf("\n");
  const text = content.slice(end + 1);
  return end >= 0 && content.slice(0, end) === hashOf(text) ? text : undefined;
}
