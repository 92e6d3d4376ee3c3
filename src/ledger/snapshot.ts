// Snapshots: the state at an offset, beside the log, so that a ledger need not be read from its beginning. Never the
// truth: one that is not whole is ignored.
//
// A snapshot is a file named after the offset of the first record behind it, 20 decimal digits and ".snapshot.zst": lines
// of JSON, compressed with zstd (RFC 8878). The first is
//   {"age":{"milliseconds":A,"time":T},"chain":C,"format":"ledgerproxy-snapshot","ledger":L,"next":N,"version":1}
// with the hash chain before record N and the age of the ledger there (age.ts; absent up to 0.6.0); the last is {"lines":K,"sha256":H}: how many lines are between, and the hash of
// all bytes before it. What is between is for the fold.

import { createHash } from "node:crypto";
import { zstdCompressSync } from "node:zlib";
import { SNAPSHOT_BYTES_MAX } from "../limits.ts";
import { type Age, NEWBORN } from "./age.ts";
import { readDecompressed, readDecompressedHead } from "./compression.ts";
import type { Storage } from "./storage.ts";

const SNAPSHOT_VERSION = 1;
const PIECE_BYTES = 256 * 1024;
/** Bytes of a file that its first line is in: a block of zstd holds at most 128 KiB (RFC 8878, 3.1.1.2.4). */
const HEAD_BYTES = 160 * 1024;

/** A place in a ledger between two records. */
export interface Place {
  /** Id of the ledger. */
  readonly ledger: string;
  /** Offset of the record behind it. */
  readonly next: number;
  /** Hash chain before that record. */
  readonly chain: string;
  /** Age of the ledger there. */
  readonly age: Age;
}

/** A snapshot that is whole. */
export interface Snapshot<Line> extends Place {
  readonly lines: readonly Line[];
}

/** File name of the snapshot before record `next`. */
export function snapshotName(next: number): string {
  return `${String(next).padStart(20, "0")}.snapshot.zst`;
}

/** The offset in a snapshot's file name; undefined for other files. */
export function snapshotNext(name: string): number | undefined {
  const match = /^(\d{20})\.snapshot\.zst$/.exec(name);
  return match === null ? undefined : Number(match[1]);
}

/** The text of a snapshot, in pieces that take some milliseconds each. */
export function* snapshotPieces(
  { age, chain, ledger, next }: Place,
  lines: Iterable<unknown>,
): Generator<string> {
  const hash = createHash("sha256");
  let piece = `${
    JSON.stringify({ age, chain, format: "ledgerproxy-snapshot", ledger, next, version: SNAPSHOT_VERSION })
  }\n`;
  let count = 0;
  for (const line of lines) {
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

/** The bytes of a snapshot. */
export function encodeSnapshot(place: Place, lines: Iterable<unknown>): Uint8Array {
  return zstdCompressSync(new TextEncoder().encode([...snapshotPieces(place, lines)].join("")));
}

type Head = Omit<Place, "age"> & { readonly version: number; readonly age?: Age };

/** The age of the ledger at the snapshot in file `name`, read from its first line alone; unproven. */
export function snapshotAge(storage: Storage, name: string): Age {
  const bytes = readDecompressedHead(storage, name, HEAD_BYTES, SNAPSHOT_BYTES_MAX);
  if (typeof bytes === "string") return NEWBORN;
  try {
    const head = new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0x0a)));
    return (JSON.parse(head) as Head).age ?? NEWBORN;
  } catch {
    return NEWBORN;
  }
}

/** What is wrong with a line between the first and the last of a snapshot, which are counted from 0; undefined when nothing is. */
export type LineCheck = (line: unknown, number: number) => string | undefined;

/** The snapshot in file `name`, or what is wrong with it; `check` knows what its lines should be. */
export function readSnapshot<Line>(
  storage: Storage,
  name: string,
  check: LineCheck = () => undefined,
): Snapshot<Line> | string {
  try {
    const bytes = readDecompressed(storage, name, SNAPSHOT_BYTES_MAX);
    if (typeof bytes === "string") return `not whole: ${bytes}`;
    const text = new TextDecoder().decode(bytes);
    const last = text.lastIndexOf("\n", text.length - 2) + 1;
    const body = text.slice(0, last);
    const { sha256 } = JSON.parse(text.slice(last)) as { sha256: string };
    if (createHash("sha256").update(body).digest("hex") !== sha256) return "damaged (SHA-256)";
    const [head, ...lines] = body.trimEnd().split("\n");
    const { version, ledger, next, chain, age = NEWBORN } = JSON.parse(head!) as Head;
    if (version !== SNAPSHOT_VERSION) {
      return `snapshot version ${version}; this program reads ${SNAPSHOT_VERSION}`;
    }
    if (next !== snapshotNext(name)) return `it says that it is before record ${next}`;
    const decoded = lines.map((line) => JSON.parse(line) as Line);
    for (const [i, line] of decoded.entries()) {
      const misfit = check(line, i);
      if (misfit !== undefined) return `not a snapshot: line ${i + 2}: ${misfit}`;
    }
    return { ledger, next, chain, age, lines: decoded };
  } catch (error) {
    return `not whole: ${(error as Error).message}`;
  }
}

/** The newest snapshot that is whole and no later than before record `next`. */
export function newestSnapshot<Line>(
  storage: Storage,
  next = Infinity,
  check?: LineCheck,
): Snapshot<Line> | undefined {
  for (const name of storage.names().filter((name) => (snapshotNext(name) ?? Infinity) <= next).reverse()) {
    const snapshot = readSnapshot<Line>(storage, name, check);
    if (typeof snapshot !== "string") return snapshot;
  }
  return undefined;
}
