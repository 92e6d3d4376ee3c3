// Checkpoints: signed records of how the ledger was at a place. The text of a checkpoint is
//
//   ledgerproxy/0123456789abcdef     the name of its ledger
//   1234                             how many records are before it: its own offset
//   q4bK...=                         the hash chain before it, in base64
//   time 2026-11-23T03:12:00.000Z
//   number 17                        counts the checkpoints of the ledger
//   key ledgerproxy/...+...+...      the key that signs it
//   next ledgerproxy/...+...+...     the key that will sign the next one
//   snapshot 1200 5f3e...            for each snapshot since the last one: its place, and the SHA-256 of its file
//
// in the form of c2sp.org/tlog-checkpoint, with the hash chain in the place of a tree's root. Each key signs one checkpoint and is
// erased then. So a program that reads the keys of a node today cannot sign what that node wrote yesterday (forward security). Where
// retention has removed what was before a snapshot, nothing else shows that its state is the one that the records made. Lines that a
// newer version adds behind these are passed over.

import { Buffer } from "node:buffer";
import type { GapRecord, LedgerRecord } from "./record.ts";
import { isVerifier, type NoteSigner, readNote, signedNote } from "./signed_note.ts";

/** What a checkpoint says. */
export interface Checkpoint {
  /** Id of the ledger. */
  readonly ledger: string;
  /** Its offset. */
  readonly next: number;
  /** Hash chain before it, 64 hex digits. */
  readonly chain: string;
  /** RFC 3339, UTC. */
  readonly time: string;
  readonly number: number;
  /** Verifier key of its own signature, and that of the next checkpoint. */
  readonly key: string;
  readonly nextKey: string;
  /** Absent where there are none. */
  readonly snapshots?: readonly SignedSnapshot[];
}

/** The file of a snapshot. */
export interface SignedSnapshot {
  /** Offset of the first record after it. */
  readonly next: number;
  /** SHA-256 of its bytes, 64 hex digits. */
  readonly sha256: string;
}

/** The name of the keys of the ledger with id `ledger`. */
export function keyName(ledger: string): string {
  return `ledgerproxy/${ledger}`;
}

/**
 * The record of a checkpoint. It is a gap of no records, as programs up to 0.6.0 take it: they reject a ledger with a kind of record
 * that they do not know.
 */
export function checkpointRecord(checkpoint: Omit<Checkpoint, "key">, signer: NoteSigner): GapRecord {
  const { next, number, time } = checkpoint;
  const note = signedNote(textOf({ ...checkpoint, key: signer.verifier }), signer);
  return {
    kind: "gap",
    time,
    reason: `checkpoint ${number} of the records before @${next}`,
    records: 0,
    checkpoint: note,
  };
}

function textOf({ ledger, next, chain, time, number, key, nextKey, snapshots = [] }: Checkpoint): string {
  const hash = Buffer.from(chain, "hex").toString("base64");
  const lines = [
    ...[keyName(ledger), next, hash, `time ${time}`, `number ${number}`, `key ${key}`, `next ${nextKey}`],
    ...snapshots.map(({ next, sha256 }) => `snapshot ${next} ${sha256}`),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

const TEXT =
  /^ledgerproxy\/([0-9a-f]{16})\n(\d+)\n([A-Za-z0-9+/]{43}=)\ntime (\S+)\nnumber (\d+)\nkey (\S+)\nnext (\S+)\n((?:.+\n)*)$/;
const SNAPSHOT = /^snapshot (\d+) ([0-9a-f]{64})$/gm;

/** The checkpoint in `note`, whose signature by its own key is right; or what is wrong with it. */
export function readCheckpoint(note: string): Checkpoint | string {
  const read = readNote(note);
  if (typeof read === "string") return read;
  const [, ledger, next, hash, time, number, key, nextKey, more] = TEXT.exec(read.text) ?? [];
  if (ledger === undefined) return "it is no checkpoint";
  if (!isVerifier(key!) || !isVerifier(nextKey!)) return "it names a key that is none";
  if (!read.isSignedBy(key!)) return "its signature is wrong";
  const snapshots = [...more!.matchAll(SNAPSHOT)].map(([, next, sha256]) => ({
    next: Number(next),
    sha256: sha256!,
  }));
  return {
    ledger,
    next: Number(next),
    chain: Buffer.from(hash!, "base64").toString("hex"),
    time: time!,
    number: Number(number),
    key: key!,
    nextKey: nextKey!,
    ...(snapshots.length === 0 ? {} : { snapshots }),
  };
}

/** The note of a checkpoint's record; undefined for every other record. */
export function noteOf(record: LedgerRecord): string | undefined {
  return record.kind === "gap" ? record.checkpoint : undefined;
}
