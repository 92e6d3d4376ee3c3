// The seam between the program and nf_tables: the real kernel (netlink) and the fake one (memory) both have this shape.

import type { Family } from "../nft/data_type.ts";
import type { Ruleset } from "../nft/ruleset.ts";
import type { TableFlag, Transaction } from "../nft/transaction.ts";

/** Names one table. */
export interface TableName {
  /** Address family. */
  readonly family: Family;
  /** Its name. */
  readonly name: string;
}

/** A table that is there. */
export interface FoundTable extends TableName {
  /** Whether a process owns it, and whether it outlives its owner. */
  readonly flags: readonly TableFlag[];
}

/** A place that holds rules. All calls are synchronous. */
export interface Kernel {
  /** Applies all operations, in order, or none. Throws KernelRejection, which names the failing operation. */
  commit(transaction: Transaction): CommitReceipt;
  /**
   * Reads tables with their chains, rules, sets and elements back into the model; absent tables are left out.
   * Throws UnreadableRuleset where a table holds what this program never writes.
   */
  list(tables: readonly TableName[]): Ruleset;
  /** All tables of families ip and ip6, whoever made them. */
  tables(): readonly FoundTable[];
  /** nf_tables generation id: grows by one with every batch that any process in the namespace commits. */
  generation(): number;
  /** Gives back what it holds; the rules stay. */
  [Symbol.dispose](): void;
}

/** What a commit cost. */
export interface CommitReceipt {
  /**
   * Generation id that the commit made. Where another process has committed in the same moment it is an earlier one: it is
   * the kernel's present one only if nobody has committed anything since.
   */
  readonly generation: number;
  /** Operations in the transaction. */
  readonly operations: number;
  /** Size of the netlink batch. */
  readonly bytes: number;
  /** Time to encode the batch, in microseconds. */
  readonly renderMicroseconds: number;
  /** Time in the kernel, from send to answer, in microseconds. */
  readonly microseconds: number;
}

/** A table in the kernel holds an object outside our vocabulary: another program wrote there. */
export class UnreadableRuleset extends Error {
  override readonly name = "UnreadableRuleset";

  /** `tables` are those of the asked ones that exist. */
  constructor(message: string, readonly tables: readonly TableName[]) {
    super(message);
  }
}
