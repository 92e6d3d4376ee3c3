// Snapshots: the state of the cluster at an offset, in files beside the segments, so that a start need not read the whole
// ledger. The records alone are the truth: a snapshot that is not whole is ignored.
//
// The name of a snapshot is the offset of the first record after it in 20 decimal digits, and ".snapshot.zst". Its content is
// lines of JSON, compressed with zstd (RFC 8878). The first line is
//   {"age":{"milliseconds":A,"time":T},"chain":C,"commit":{"through":O,"digest":D,"generation":G},
//    "format":"ledgerproxy-snapshot","ledger":L,"next":N,"version":1}
// with the hash chain before record N, the age of the ledger there (age.ts) and its last commit (last_commit.ts; absent where there
// is none, and both up to 0.6.0). The last line is
//   {"lines":K,"sha256":H}
// with the number of lines between the two, and the hash of all bytes before the last line. The fold makes and reads the
// lines between.

import { createHash, hash } from "node:crypto";
import { zstdCompressSync } from "node:zlib";
import { messageOf } from "../thrown.ts";
import { parsedJson } from "../json_parts.ts";
import { SNAPSHOT_BYTES_MAX } from "../limits/ledger.ts";
import { type Age, NEWBORN } from "./age.ts";
import { decompressedHead, readDecompressed } from "./compression.ts";
import type { LastCommit } from "./last_commit.ts";
import { namedOffset, type Offset } from "./record.ts";
import { type LineCheck, SnapshotText } from "./snapshot_text.ts";
import { NotLoaded, type Storage } from "./storage.ts";

const SNAPSHOT_VERSION = 1;
const PIECE_BYTES = 256 * 1024;
const NEWLINE = 0x0a;
/** The first line is within this many bytes of the file: a block of zstd has at most 128 KiB (RFC 8878, 3.1.1.2.4). */
export const SNAPSHOT_HEAD_BYTES = 160 * 1024;

const decoder = new TextDecoder();

/** A place between two records of a ledger. */
export interface Place {
  /** Id of the ledger. */
  readonly ledger: string;
  /** Offset of the next record. */
  readonly next: number;
  /** Hash chain before that record. */
  readonly chain: string;
  /** Age of the ledger at this place. */
  readonly age: Age;
  /** The last commit before that record; undefined where there is none, or where it is not known. */
  readonly commit?: LastCommit;
}

/** A whole snapshot. */
export interface Snapshot<Line> extends Place {
  readonly lines: readonly Line[];
}

/** File name of the snapshot of the state before record `next`. */
export function snapshotName(next: number): string {
  return `${String(next).padStart(20, "0")}.snapshot.zst`;
}

/** The offset of the first record after a snapshot, from its file name; undefined for files that are no snapshots. */
export function snapshotNext(name: string): Offset | undefined {
  return namedOffset(/^(\d{20})\.snapshot\.zst$/.exec(name)?.[1]);
}

/**
 * The text of a snapshot in pieces. To make one piece takes a few milliseconds. Where there is no line yet, which `lines` says by
 * undefined, the piece is empty.
 */
export function* snapshotPieces(
  { age, chain, commit, ledger, next }: Place,
  lines: Iterable<unknown>,
): Generator<string> {
  const hash = createHash("sha256");
  let piece = `${
    JSON.stringify({
      ...{ age, chain, commit, format: "ledgerproxy-snapshot", ledger, next },
      version: SNAPSHOT_VERSION,
    })
  }\n`;
  let count = 0;
  for (const line of lines) {
    if (line === undefined) {
      yield "";
      continue;
    }
    piece += `${JSON.stringify(line)}\n`;
    count++;
    if (piece.length < PIECE_BYTES) continue;
    hash.update(piece);
    yield piece;
    piece = "";
  }
  hash.update(piece);
  yield `${piece}${JSON.stringify({ lines: count, sha256: hash.digest("hex") })}\n`;
}

/** The content of a snapshot's file. */
export function encodeSnapshot(place: Place, lines: Iterable<unknown>): Uint8Array {
  return zstdCompressSync(new TextEncoder().encode([...snapshotPieces(place, lines)].join("")));
}

/** The first line of a snapshot, as far as it must be right before its version is known. */
interface SnapshotHead extends Omit<Place, "age"> {
  readonly version: number;
  readonly age?: Age;
}

/** The age of the ledger at a snapshot; see {@link snapshotHead}. */
export function snapshotAge(head: Uint8Array): Age {
  return snapshotHead(head)?.age ?? NEWBORN;
}

/**
 * The place of a snapshot, from the first {@link SNAPSHOT_HEAD_BYTES} of its file. Reads only its first line, and does not prove its
 * hash. Undefined where that line cannot be read.
 */
export function snapshotHead(head: Uint8Array): SnapshotHead | undefined {
  const bytes = decompressedHead(head);
  if (typeof bytes === "string") return undefined;
  try {
    return parsedJson(decoder.decode(bytes.subarray(0, bytes.indexOf(NEWLINE))));
  } catch {
    return undefined;
  }
}

/** Says whether `bytes` have the SHA-256 `sha256`, in hexadecimal digits. */
export type HashProof = (bytes: Uint8Array, sha256: string) => boolean;

const proveHere: HashProof = (bytes, sha256) => hash("sha256", bytes, "hex") === sha256;

/** A snapshot whose lines are not parsed yet. */
export interface OpenedSnapshot<Line> extends Place {
  readonly text: SnapshotText<Line>;
}

/**
 * The snapshot in file `name`, or the reason why it cannot be used. Its hash shows that the file is whole, which `prove` is asked
 * about; `check` is asked about each line after the first, once it is read.
 */
export function openSnapshot<Line>(
  storage: Storage,
  name: string,
  check: LineCheck = () => undefined,
  prove: HashProof = proveHere,
): OpenedSnapshot<Line> | string {
  try {
    const bytes = readDecompressed(storage, name, SNAPSHOT_BYTES_MAX);
    if (typeof bytes === "string") return `not whole: ${bytes}`;
    const last = bytes.lastIndexOf(NEWLINE, -2) + 1;
    const body = bytes.subarray(0, last);
    const { sha256 }: { readonly sha256: unknown } = parsedJson(decoder.decode(bytes.subarray(last)));
    if (typeof sha256 !== "string" || !prove(body, sha256)) return "damaged (SHA-256)";
    const second = body.indexOf(NEWLINE) + 1;
    const { version, ledger, next, chain, commit, age = NEWBORN }: SnapshotHead = parsedJson(
      decoder.decode(body.subarray(0, second)),
    );
    if (version !== SNAPSHOT_VERSION) {
      return `snapshot version ${version}; this program reads ${SNAPSHOT_VERSION}`;
    }
    if (next !== snapshotNext(name)) return `it says that it is before record ${next}`;
    const text = new SnapshotText<Line>(body.subarray(second), check);
    return { ledger, next, chain, age, ...commit && { commit }, text };
  } catch (error) {
    if (error instanceof NotLoaded) throw error;
    return `not whole: ${messageOf(error)}`;
  }
}

/** A snapshot with its lines, or the reason why it cannot be used. */
export function readOpened<Line>({ text, ...place }: OpenedSnapshot<Line>): Snapshot<Line> | string {
  while (!text.isParsed && text.misfit === undefined) text.parsePiece();
  return text.misfit ?? { ...place, lines: text.lines };
}

/** As {@link openSnapshot}, with its lines. */
export function readSnapshot<Line>(
  storage: Storage,
  name: string,
  check?: LineCheck,
  prove?: HashProof,
): Snapshot<Line> | string {
  const opened = openSnapshot<Line>(storage, name, check, prove);
  return typeof opened === "string" ? opened : readOpened(opened);
}

/** The newest whole snapshot of the state before record `next`, or before an earlier record, but none of `strays`. */
export function newestSnapshot<Line>(
  storage: Storage,
  next = Infinity,
  check?: LineCheck,
  strays: readonly string[] = [],
  prove?: HashProof,
): Snapshot<Line> | undefined {
  const usable = (name: string) => (snapshotNext(name) ?? Infinity) <= next && !strays.includes(name);
  for (const name of storage.names().filter(usable).reverse()) {
    const snapshot = readSnapshot<Line>(storage, name, check, prove);
    if (typeof snapshot !== "string") return snapshot;
  }
  return undefined;
}
