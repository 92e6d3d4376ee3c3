// The journal of a closed segment, in a file beside it: text that a question made of the segment's records and would otherwise make
// again. The segment alone is the truth: a journal that cannot be read is made again. This room does not know what is in it.
//
// The file has the name of its segment, with ".journal.zst" instead of ".ndjson". Its content is compressed with zstd: a line with
// the SHA-256 of what follows, a line with the place of the segment's end (ledger, offset, hash chain), and the text. A changed bit
// makes it a journal that cannot be read, never one that is wrong. The place is in the header of the next segment too, so the journal
// of another ledger, or of records that were written anew, is recognised. What else a program can write into it, `verify` finds.

import { hash } from "node:crypto";
import { zstdCompressSync } from "node:zlib";
import { JOURNAL_BYTES_MAX } from "../limits/ledger.ts";
import { codeOf } from "../thrown.ts";
import { readDecompressed } from "./compression.ts";
import { segmentName } from "./format.ts";
import { segmentHeader } from "./reader.ts";
import type { Storage } from "./storage.ts";

const NEWLINE = 0x0a;
const decoder = new TextDecoder();

/** File name of the journal of the segment whose first record has offset `first`. */
export function journalName(first: number): string {
  return `${String(first).padStart(20, "0")}.journal.zst`;
}

/** The journal of the segment that begins at `first` and ends before `next`; undefined where there is none that can be read. */
export function readJournal(storage: Storage, first: number, next: number): string | undefined {
  const file = journalName(first);
  if (!storage.names().includes(file)) return undefined;
  try {
    const bytes = readDecompressed(storage, file, JOURNAL_BYTES_MAX);
    if (typeof bytes === "string") return undefined;
    const text = checkedText(bytes);
    const end = endLine(storage, next);
    return end !== undefined && text?.startsWith(end) ? text.slice(end.length) : undefined;
  } catch {
    return undefined;
  }
}

/** Keeps `text` as the journal of the segment from `first` to the record before `next`, where this user may write to the folder. */
export function writeJournal(storage: Storage, first: number, next: number, text: string): void {
  const file = journalName(first);
  try {
    const end = endLine(storage, next);
    if (end === undefined) return;
    const content = `${end}${text}`;
    if (storage.names().includes(file)) storage.remove(file);
    storage.write(file, zstdCompressSync(new TextEncoder().encode(`${hashOf(content)}\n${content}`)));
  } catch (error) {
    // This user may not write to the folder, or another question made the same file. Answers need no file.
    if (codeOf(error) === undefined) throw error;
  }
}

/** The place before record `next`, where a segment begins, as a line; undefined where its header is not whole. */
function endLine(storage: Storage, next: number): string | undefined {
  const header = segmentHeader(storage, segmentName(next));
  return header && `${header.ledger} ${header.first} ${header.chain}\n`;
}

function hashOf(content: string | Uint8Array): string {
  return hash("sha256", content, "hex");
}

/** The text behind its hash; undefined where the hash is that of another text. */
function checkedText(bytes: Uint8Array): string | undefined {
  const end = bytes.indexOf(NEWLINE);
  const content = bytes.subarray(end + 1);
  const isOurs = end >= 0 && decoder.decode(bytes.subarray(0, end)) === hashOf(content);
  return isOurs ? decoder.decode(content) : undefined;
}
