// Encodes records as lines, each with its offset and its place in the hash chain. It needs no disk, so that the thread that
// appends records need not be the one that writes them.

import { type Age, ageBehind } from "./age.ts";
import { encodeRecord } from "./format.ts";
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

  constructor(readonly ledger: string, end: Behind, age: Age) {
    this.#end = end;
    this.#age = age;
  }

  /** Place after the last record. */
  get end(): Behind {
    return this.#end;
  }

  /** The same place, with the age of the ledger there. */
  get place(): Place {
    return { ledger: this.ledger, ...this.#end, age: this.#age };
  }

  /** The lines of `records`, the next ones of the ledger. */
  encode(records: readonly LedgerRecord[]): EncodedLines {
    const first = this.#end.next;
    let { chain } = this.#end;
    let lines = "";
    records.forEach((record, i) => {
      const encoded = encodeRecord(first + i, record, chain);
      lines += encoded.line;
      chain = encoded.chain;
      this.#age = ageBehind(this.#age, record);
    });
    this.#end = { next: first + records.length, chain };
    return { lines: text.encode(lines), end: this.#end };
  }
}
