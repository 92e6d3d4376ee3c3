// What happens to the engine. The run loop makes these values from what the source, the kernel, the ledger and the start
// report; the engine reads no clock and asks nothing itself.

import type { SourceBatch } from "../ingest/source.ts";
import type { CommitReceipt, TableName } from "../kernel/kernel.ts";
import type { LedgerRecord, Offset } from "../ledger/record.ts";
import type { Ruleset } from "../nft/ruleset.ts";
import type { Operation, TableFlag } from "../nft/transaction.ts";
import type { Delta } from "../plan/delta.ts";
import type { Position } from "../plan/position.ts";

/** Records that were folded while the ledger could not take them. */
export interface RecordGap {
  /** RFC 3339 with milliseconds, UTC. */
  readonly time: string;
  /** Why, for people. */
  readonly reason: string;
  /** How many. */
  readonly records: number;
  /** Whether rules follow them. They stay until a source has sent a list. */
  readonly committed: boolean;
}

/** What happened. Times are RFC 3339 with milliseconds, UTC. */
export type Input =
  /**
   * The ledger to append to was opened. `complete`: rules may be made from it before a source has sent its list, though
   * it holds no commit. `othersServe`: another proxy's rules are in the kernel and ours are not, so none may, whatever it holds.
   * `flags`: flags of the tables that the engine makes. `gap`: records that this process has folded, and that are not in the ledger.
   */
  | {
    readonly kind: "opened";
    readonly ledger: string;
    readonly complete?: boolean;
    readonly othersServe?: boolean;
    readonly flags?: readonly TableFlag[];
    readonly gap?: RecordGap;
  }
  /**
   * A listing of our tables, and what other programs had changed before it. `startedAt` is given at a start, where a disagreement
   * with the ledger is recorded.
   */
  | {
    readonly kind: "listed";
    readonly ruleset: Ruleset;
    readonly foreign: string;
    readonly startedAt?: string;
  }
  /** At a start: the kernel holds what the ledger's last commit, at `position`, put there. */
  | { readonly kind: "untouched"; readonly position: Position }
  /** Our tables contain something that this program never writes. They are to be rebuilt. */
  | { readonly kind: "unreadable"; readonly tables: readonly TableName[] }
  /** Our tables could not be listed; `at`: milliseconds of a clock that never goes back. */
  | { readonly kind: "unlisted"; readonly error: string; readonly at: number }
  /** The kernel holds these elements, and the skeleton's tables, otherwise than was committed: from what was committed to what it holds. */
  | { readonly kind: "found"; readonly delta: Delta }
  /** Another program changed our tables, or a comparison found a change: then `process` is "". */
  | {
    readonly kind: "drift";
    readonly process: string;
    readonly pid: number;
    readonly changes: readonly string[];
    readonly response: string;
    readonly time: string;
  }
  /** Tables of another proxy. The next commit deletes them and brings our rules, so packets never meet both or neither. */
  | { readonly kind: "takeover"; readonly tables: readonly TableName[] }
  /** A list or events from the source. */
  | { readonly kind: "batch"; readonly batch: SourceBatch }
  /** Time for more of what a list changes. `all`: for all of it. */
  | { readonly kind: "untaken"; readonly all?: boolean }
  /** Records were appended to the ledger; the first has offset `first`. */
  | { readonly kind: "appended"; readonly first: Offset; readonly records: readonly LedgerRecord[] }
  /** Records up to and including `offset` are on the disk. */
  | { readonly kind: "durable"; readonly offset: number }
  /** No more input is waiting: commit what has changed. `advances`: and make a step (`fold/steps.ts`) after it. */
  | { readonly kind: "sync"; readonly advances?: boolean }
  /** The kernel applied the transaction of the last `commit` effect. */
  | { readonly kind: "committed"; readonly receipt: CommitReceipt; readonly time: string }
  /** The kernel rejected it. `operation` is the one at fault, where the error names an object. */
  | {
    readonly kind: "rejected";
    readonly error: string;
    /** Whether a smaller batch might be accepted: this one was too large, or memory is short. */
    readonly whole?: boolean;
    readonly operation: Operation | null;
    /** The same as in a listing where other programs changed nothing of ours since; undefined where that is not known. */
    readonly foreign: string | undefined;
    readonly time: string;
    /** Milliseconds of a clock that never goes back. */
    readonly at: number;
  };
