// An archive of ledgers of many nodes: each closed segment once, compressed, under
//
//   cluster=C/node=N/ledger=ID/day=2026-11-23/00000000000000005312.ndjson.zst
//
// so that engines of SQL read the names as columns. The day is that of the segment's first record. A file is made under another name
// and renamed when it is durable; one that is there is never written again. So an archive that was interrupted goes on where it was.

import { zstdCompressSync } from "node:zlib";
import { codeOf } from "../thrown.ts";
import { COMPRESSED, segmentFirst, segmentName, segmentNames } from "./format.ts";
import { askAgain, ifThere, SegmentGone } from "./gone.ts";
import { closedRecords, readLedger, segmentHeader } from "./reader.ts";
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

/**
 * Adds the closed segments of the ledger in `storage` to `folder`, which is that ledger's in an archive. The ledger may be written,
 * compressed and cut by retention meanwhile. Throws LedgerDamage.
 */
export function shipSegments(storage: Storage, folder: string): Shipped {
  const added: string[] = [];
  return askAgain(() => shipOnce(storage, folder, added));
}

/** As {@link shipSegments}; `added` are the segments that it added before it had to look at the ledger again. Throws SegmentGone. */
function shipOnce(storage: Storage, folder: string, added: string[]): Shipped {
  const there = filesIn(folder);
  const problems: string[] = [];
  let kept = 0;
  const names = segmentNames(storage);
  const removed = removedSince(names, nextIn(there, folder, names));
  if (removed !== undefined) problems.push(removed);
  for (const [i, name] of names.slice(0, -1).entries()) {
    const file = `${segmentName(segmentFirst(name)!)}${COMPRESSED}`;
    const day = there.get(file);
    if (day === undefined) {
      ship(storage, name, names[i + 1]!, folder, i === 0 && there.size === 0);
      added.push(file);
    } else if (!isSame(storage, name, `${folder}/${day}`, file)) {
      problems.push(`${folder}/${day}/${file} is not the segment of this ledger; it stays as it is`);
    } else if (!added.includes(file)) kept++;
  }
  return { added, kept, problems };
}

/** Offset of the first record that is not archived; 0 where nothing is, and where the last archived segment is in the ledger too. */
function nextIn(there: ReadonlyMap<string, string>, folder: string, names: readonly string[]): number {
  const ends = [...there.keys()].flatMap((name) => segmentFirst(name) ?? []);
  const end = Math.max(-1, ...ends);
  if (end < 0 || names.some((name) => segmentFirst(name) === end)) return 0;
  let next: number = end;
  const day = there.get(`${segmentName(end)}${COMPRESSED}`)!;
  for (const { offset } of readLedger(folderStorage(`${folder}/${day}`, false), end)) next = offset + 1;
  return next;
}

/** Says which records were removed before they were archived. `next` is the offset of the first that is not; 0 where nothing is. */
export function removedSince(names: readonly string[], next: number): string | undefined {
  const first = names.map((name) => segmentFirst(name)!).find((first) => first >= next);
  // A segment that begins before it has what follows.
  const isThere = first === next || names.some((name) => segmentFirst(name)! < next);
  if (next === 0 || first === undefined || isThere) return undefined;
  return `@${next} to @${first - 1} were removed from the ledger before they were archived`;
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
  // Retention may have removed ours meanwhile. Then nothing can be compared, and the archived one counts as it.
  if (ours === undefined) {
    return !segmentNames(storage).some((one) => segmentFirst(one) === segmentFirst(name));
  }
  return ours.ledger === theirs?.ledger && ours.chain === theirs.chain;
}

/** Adds a segment; with `isOldest` also the snapshot of what was before it, which a ledger that retention has cut needs. */
function ship(storage: Storage, name: string, after: string, folder: string, isOldest: boolean): void {
  const { day, files } = archivedSegment(storage, name, after, isOldest);
  const target = folderStorage(`${folder}/${day}`, true);
  for (const [file, bytes] of files) target.write(file, bytes);
  target.syncFolder();
}

/** A closed segment as an archive has it. */
export interface ArchivedSegment {
  /** Folder of its day: `day=2026-11-23`. */
  readonly day: string;
  /** Files by name, the segment last. */
  readonly files: readonly (readonly [name: string, bytes: Uint8Array])[];
  /** The last checkpoint in it; "" for none. */
  readonly checkpoint: string;
}

/** The closed segment `name`, which `after` follows, whole; with `isOldest` also the snapshot before it. Throws LedgerDamage. */
export function archivedSegment(
  storage: Storage,
  name: string,
  after: string,
  isOldest: boolean,
): ArchivedSegment {
  const first = segmentFirst(name)!;
  let [time, checkpoint] = ["", ""];
  for (const { record } of closedRecords(storage, name, after)) {
    time ||= record.time;
    if (record.kind === "gap" && record.checkpoint !== undefined) checkpoint = record.checkpoint;
  }
  const segment = compressedContent(storage, name);
  const snapshot = snapshotName(first);
  return {
    ...{ day: `day=${time.slice(0, 10)}`, checkpoint },
    files: [
      ...(isOldest && storage.names().includes(snapshot)
        ? [[snapshot, storage.read(snapshot)] as const]
        : []),
      [`${segmentName(first)}${COMPRESSED}`, segment],
    ],
  };
}

/** The compressed content of a closed segment, which the writer may compress meanwhile. Throws SegmentGone. */
function compressedContent(storage: Storage, name: string): Uint8Array {
  const plain = `${segmentName(segmentFirst(name)!)}`;
  const bytes = ifThere(() => storage.read(plain));
  if (bytes !== undefined) return new Uint8Array(zstdCompressSync(bytes));
  const compressed = ifThere(() => storage.read(`${plain}${COMPRESSED}`));
  if (compressed === undefined) throw new SegmentGone(name);
  return compressed;
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
    ...{ endAside: refuse, syncFolder: refuse, lock: refuse },
  };
}
