// The last commit before a place of a ledger. A snapshot has it in its first line, so that a start need not look for it in the
// segment before: that may be the first list of a large cluster, and compressed.

import type { LedgerRecord } from "./record.ts";

/** What a start compares with the kernel of the last commit that the kernel accepted. */
export interface LastCommit {
  /** Last record folded into it. */
  readonly through: number;
  /** Digest of the rules after it. */
  readonly digest: string;
  /** nf_tables generation after it. */
  readonly generation: number;
}

/** The last commit after `record`, where it was `before` until then. */
export function commitBehind(before: LastCommit | undefined, record: LedgerRecord): LastCommit | undefined {
  if (record.kind !== "commit" || record.outcome !== "committed") return before;
  const { through, digest, generation } = record;
  return { through, digest, generation };
}
