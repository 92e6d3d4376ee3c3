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
  readonly #wanted = new Map<number, LedgerHead[]>();
  readonly #others = new Set<string>();
  readonly #heads: number;
  /** Places whose heads are right. */
  #right = 0;
  #last: number | undefined;
  #good: number | undefined;
  /** The heads that differ, at the first place where any does. */
  #wrong: readonly LedgerHead[] = [];

  constructor(heads: readonly LedgerHead[], readonly ledger: string) {
    this.#heads = heads.length;
    for (const head of heads) {
      if (head.ledger !== this.ledger) this.#others.add(head.ledger);
      else if (!this.#wanted.get(head.next)?.push(head)) this.#wanted.set(head.next, [head]);
    }
  }

  /** Notes that `chain` is the hash chain before record `next`. */
  note(next: number, chain: string): void {
    const seen = this.#wanted.get(next);
    if (seen === undefined) return;
    const wrong = seen.filter((head) => head.chain !== chain);
    if (wrong.length > 0) {
      if (this.#wrong.length === 0) this.#wrong = wrong;
      return;
    }
    this.#right++;
    this.#last = next;
    if (this.#wrong.length === 0) this.#good = next;
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
    const newest = [...this.#wanted.keys()].reduce((a, b) => Math.max(a, b), -1);
    if (this.#heads > 0 && newest < first) {
      return [
        `the witness saw only what is before @${newest}, and nothing before @${first} is kept: it proves nothing`,
      ];
    }
    const trusted = this.#good ?? first;
    return [
      ...this.#wrong.slice(0, 1).map(({ next }) =>
        `what is before @${next} is not what the witness saw${
          inObjects(this.#wrong)
        }; the first record that cannot be trusted is @${trusted}`
      ),
      ...(newest <= last + 1 ? [] : [
        `the witness saw @${newest - 1}${
          inObjects(this.#wanted.get(newest)!)
        }, and the ledger ends at @${last}: its tail was cut, or it is an older copy`,
      ]),
    ];
  }
}

/** The objects that have `heads`. A node can add heads of any ledger to its own Lease, so the name shows what to doubt. */
function inObjects(heads: readonly LedgerHead[]): string {
  const objects = [...new Set(heads.flatMap(({ seenIn }) => seenIn ?? []))];
  return objects.length === 0 ? "" : ` in ${named(objects)}`;
}

/** Most ledgers of a fleet, or Leases, that a message names. */
const NAMED_MAX = 3;

function named(all: readonly string[]): string {
  const more = all.length - NAMED_MAX;
  const others = more > 0 ? ` and ${more} ${more === 1 ? "other" : "others"}` : "";
  return `${all.slice(0, NAMED_MAX).join(", ")}${others}`;
}
