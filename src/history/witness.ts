// Compares a ledger with the heads that a witness saw. A cut tail, an older copy and a past that was written anew are whole in
// themselves; they differ from what was seen.

import type { LedgerHead } from "../ledger/head.ts";

/** What of a ledger a witness confirms. */
export interface WitnessSummary {
  /** Heads that the ledger has. */
  readonly count: number;
  /** The last of them is of the records before this one. Null where there is none. */
  readonly through: number | null;
}

/** Takes the hash chain at each place of a ledger, in order. */
export class WitnessCheck {
  /** The heads of the ledger, by their place. */
  readonly #wanted = new Map<number, Set<string>>();
  readonly #others = new Set<string>();
  readonly #heads: number;
  /** Places whose heads are right. */
  #right = 0;
  #last: number | undefined;
  #good: number | undefined;
  #bad: number | undefined;

  constructor(heads: readonly LedgerHead[], readonly ledger: string) {
    this.#heads = heads.length;
    for (const { ledger, next, chain } of heads) {
      if (ledger !== this.ledger) this.#others.add(ledger);
      else this.#wanted.set(next, (this.#wanted.get(next) ?? new Set()).add(chain));
    }
  }

  /** Notes that `chain` is the hash chain before record `next`. */
  note(next: number, chain: string): void {
    const seen = this.#wanted.get(next);
    if (seen === undefined) return;
    if (seen.size !== 1 || !seen.has(chain)) return void (this.#bad ??= next);
    this.#right++;
    this.#last = next;
    if (this.#bad === undefined) this.#good = next;
  }

  /** The places that are as the witness saw them. */
  get summary(): WitnessSummary {
    return { count: this.#right, through: this.#last ?? null };
  }

  /** What differs, for a ledger that has the records from `first` to `last`. */
  problems(first: number, last: number): string[] {
    if (this.#heads > 0 && this.#wanted.size === 0) {
      return [
        `the witness never saw ledger ${this.ledger}, but ${
          named([...this.#others])
        }: all of it was replaced`,
      ];
    }
    let most = -1;
    for (const next of this.#wanted.keys()) most = Math.max(most, next);
    if (this.#heads > 0 && most < first) {
      return [
        `the witness saw only what is before @${most}, and nothing before @${first} is kept: it proves nothing`,
      ];
    }
    const trusted = this.#good ?? first;
    return [
      ...(this.#bad === undefined ? [] : [
        `what is before @${this.#bad} is not what the witness saw; the first record that cannot be trusted is @${trusted}`,
      ]),
      ...(most <= last + 1 ? [] : [
        `the witness saw @${
          most - 1
        }, and the ledger ends at @${last}: its tail was cut, or it is an older copy`,
      ]),
    ];
  }
}

/** Most ledgers of a fleet that a message names. */
const NAMED_MAX = 3;

function named(ledgers: readonly string[]): string {
  const more = ledgers.length - NAMED_MAX;
  return `${ledgers.slice(0, NAMED_MAX).join(", ")}${more > 0 ? ` and ${more} others` : ""}`;
}
