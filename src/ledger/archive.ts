// An archive of ledgers of many nodes: each closed segment once, compressed, under
//
//   cluster=C/node=N/ledger=ID/day=2026-11-23/00000000000000005312.ndjson.zst
//
// so that engines of SQL read the names as columns. The day is that of the segment's first record. A file is made under another name
// and renamed when it is durable; one that is there is never written again. So an archive that was interrupted goes on where it was.

import { zstdCompressSync } from "node:zlib";
import { codeOf } from "../thrown.ts";
import { COMPRESSED, segmentFirst, segmentName, segmentNames } from "./format.ts";
import { closedRecords, segmentHeader } from "./reader.ts";
import { snapshotName } from "./snapshot.ts";
import { WRITERS_FILE } from "./writers_file.ts";
import { folderStorage, isUnfinishedFile, type Storage } from "./storage.ts";

/** What an archive did. */
export interface Shipped {
  /** Segments that were added, by their file name. */
  readonly added: readonly string[];
  /** Closed segments that were there before. */
  readonly kept: number;
  /** What is wrong: records that were removed before they were archived, another segment in the place of one. */
  readonly problems: readonly string[];
}

const DAY = /^day=\d{4}-\d{2}-\d{2}$/;

/** Adds the closed segments of the ledger in `storage` to `folder`, which is that ledger's in an archive. Throws LedgerDamage. */
export function shipSegments(storage: Storage, folder: string): Shipped {
  const there = filesIn(folder);
  const added: string[] = [];
  const problems: string[] = [];
  let kept = 0;
  const names = segmentNames(storage);
  const end = Math.max(-1, ...[...there.keys()].map((name) => segmentFirst(name) ?? -1));
  const next = end < 0 ? undefined : names.map((name) => segmentFirst(name)!).find((first) => first > end);
  if (next !== undefined && !names.some((name) => segmentFirst(name) === end)) {
    problems.push(
      `what follows the segment @${end} was removed from the ledger up to @${next} before it was archived`,
    );
  }
  for (const [i, name] of names.slice(0, -1).entries()) {
    const file = `${segmentName(segmentFirst(name)!)}${COMPRESSED}`;
    const day = there.get(file);
    if (day !== undefined) {
      if (isSame(storage, name, `${folder}/${day}`, file)) kept++;
      else problems.push(`${folder}/${day}/${file} is not the segment of this ledger; it stays as it is`);
      continue;
    }
    ship(storage, name, names[i + 1]!, folder, i === 0 && there.size === 0);
    added.push(file);
  }
  return { added, kept, problems };
}

/** The files of an archived ledger, each with the folder of its day. */
function filesIn(folder: string): Map<string, string> {
  const files = new Map<string, string>();
  for (const { name: day } of foldersIn(folder)) {
    for (const { name, isFile } of Deno.readDirSync(`${folder}/${day}`)) {
      if (isFile && !isUnfinishedFile(name)) files.set(name, day);
    }
  }
  return files;
}

/** Whether an audit log was imported into the archived ledger. */
function hasWriters(folder: string): boolean {
  return folderStorage(folder, false).names().includes(WRITERS_FILE);
}

function foldersIn(folder: string): Deno.DirEntry[] {
  try {
    return [...Deno.readDirSync(folder)].filter(({ name, isDirectory }) => isDirectory && DAY.test(name));
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
}

/** Whether the archived `file` is the segment `name`: the same ledger, and the same hash chain before it. */
function isSame(storage: Storage, name: string, day: string, file: string): boolean {
  const [ours, theirs] = [segmentHeader(storage, name), segmentHeader(folderStorage(day, false), file)];
  return ours !== undefined && ours.ledger === theirs?.ledger && ours.chain === theirs.chain;
}

/** Adds a segment; with `isOldest` also the snapshot of what was before it, which a ledger that retention has cut needs. */
function ship(storage: Storage, name: string, after: string, folder: string, isOldest: boolean): void {
  const first = segmentFirst(name)!;
  let time = "";
  for (const { record } of closedRecords(storage, name, after)) time ||= record.time;
  const target = folderStorage(`${folder}/day=${time.slice(0, 10)}`, true);
  const snapshot = snapshotName(first);
  if (isOldest && storage.names().includes(snapshot)) target.write(snapshot, storage.read(snapshot));
  const bytes = storage.read(name);
  target.write(
    `${segmentName(first)}${COMPRESSED}`,
    name.endsWith(COMPRESSED) ? bytes : new Uint8Array(zstdCompressSync(bytes)),
  );
  target.syncFolder();
}

/** An archived ledger as one folder, for readers; undefined where `folder` is none. */
export function archiveStorage(folder: string): Storage | undefined {
  const files = filesIn(folder);
  if (files.size === 0) return undefined;
  const days = new Map(
    [...new Set(files.values())].map((day) => [day, folderStorage(`${folder}/${day}`, false)]),
  );
  const of = (name: string) => days.get(files.get(name) ?? "") ?? folderStorage(folder, false);
  const refuse = (): never => {
    throw Object.assign(new Error(`${folder} is an archive, which is not written`), { code: "EROFS" });
  };
  return {
    path: folder,
    names: () => [...files.keys(), ...(hasWriters(folder) ? [WRITERS_FILE] : [])].sort(),
    size: (name) => of(name).size(name),
    read: (name, at, length) => of(name).read(name, at, length),
    ...{ append: refuse, truncate: refuse, write: refuse, remove: refuse, setAside: refuse, rename: refuse },
    ...{ syncFolder: refuse, lock: refuse },
  };
}
