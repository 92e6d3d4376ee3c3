// Encodes records as lines, each with its offset and its place in the hash chain. It needs no disk, so that the thread that
// appends records need not be the one that writes them.

import { randomBytes } from "node:crypto";
import { joinedChunks } from "../byte_chunks.ts";
import { type Age, ageBehind, NEWBORN } from "./age.ts";
import type { WholeFile } from "./disk_folder.ts";
import { encodeHeader, encodeRecord, genesisChain, segmentName } from "./format.ts";
import { commitBehind, type LastCommit } from "./last_commit.ts";
import type { LedgerRecord } from "./record.ts";
import type { Place } from "./snapshot.ts";

/** A place between two records, or after the last one. */
export interface Behind {
  /** Offset of the next record. */
  readonly next: number;
  /** Hash chain before that record. */
  readonly chain: string;
}

/** Lines of records, and the place after them. */
export interface EncodedLines {
  readonly lines: Uint8Array;
  readonly end: Behind;
}

const text = new TextEncoder();

/** Knows the end of a ledger, to which it adds records. */
export class RecordEncoder {
  #end: Behind;
  #age: Age;
  #commit: LastCommit | undefined;

  constructor(readonly ledger: string, end: Behind, age: Age, commit?: LastCommit) {
    this.#end = end;
    this.#age = age;
    this.#commit = commit;
  }

  /** Place after the last record. */
  get end(): Behind {
    return this.#end;
  }

  /** The same place, with the age of the ledger and the last commit there. */
  get place(): Place {
    const commit = this.#commit;
    return { ledger: this.ledger, ...this.#end, age: this.#age, ...commit && { commit } };
  }

  /** The lines of `records`, the next ones of the ledger. */
  encode(records: readonly LedgerRecord[]): EncodedLines {
    const first = this.#end.next;
    let { chain } = this.#end;
    const alone = records.length === 1;
    let lines = "";
    records.forEach((record, i) => {
      const encoded = encodeRecord(first + i, record, chain, alone);
      lines += encoded.line;
      chain = encoded.chain;
      this.#age = ageBehind(this.#age, record);
      this.#commit = commitBehind(this.#commit, record);
    });
    this.#end = { next: first + records.length, chain };
    return { lines: text.encode(lines), end: this.#end };
  }
}

/** Id of a new ledger. */
export function newLedgerId(): string {
  return randomBytes(8).toString("hex");
}

/** The first segment of a new ledger that begins with `records`. */
export function firstSegment(records: readonly LedgerRecord[]): WholeFile {
  const ledger = newLedgerId();
  const begin = { next: 0, chain: genesisChain(ledger) };
  const header = text.encode(encodeHeader({ ledger, first: 0, chain: begin.chain }));
  const { lines } = new RecordEncoder(ledger, begin, NEWBORN).encode(records);
  return { name: segmentName(0), bytes: joinedChunks([header, lines]) };
}
