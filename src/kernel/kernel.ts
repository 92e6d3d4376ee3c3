// The interface between the program and nf_tables. NetlinkKernel and FakeKernel implement it.

import type { Family } from "../nft/data_type.ts";
import type { Container, Element, Ruleset, SetPath, Table } from "../nft/ruleset.ts";
import type { TableFlag, Transaction } from "../nft/transaction.ts";

/** The identity of a table. */
export interface TableName {
  /** Address family. */
  readonly family: Family;
  /** As nft prints it. */
  readonly name: string;
}

/** A table that exists. */
export interface FoundTable extends TableName {
  /** `owner`: a process owns it. `persist`: it outlives its owner. */
  readonly flags: readonly TableFlag[];
}

/**
 * Tables and the operations on them. All calls are synchronous: the kernel works inside the system call. Where the kernel
 * answers a question with an error, the call throws SystemError.
 */
export interface Kernel {
  /** Applies all operations, in order, or none. Throws KernelRejection, which names the failing operation. */
  commit(transaction: Transaction): CommitReceipt;
  /**
   * Reads tables with their chains, rules, sets and elements; tables that do not exist are left out.
   * Throws UnreadableRuleset where a table holds an object that this program never writes.
   */
  list(tables: readonly TableName[]): Ruleset;
  /**
   * As {@link list}, in pieces between which the caller can do other work: first each table without elements, then the elements of
   * each set. Elements that are committed or deleted meanwhile may be missing; any others may then be missing too, or come twice.
   * Absent where a listing takes no time.
   */
  listInPieces?(tables: readonly TableName[]): Generator<ListedPiece, void, void>;
  /**
   * The element that a set of our tables holds under the key of `element`; undefined where it holds none. Throws UnreadableRuleset
   * where `container` does not describe it. There where {@link listInPieces} is.
   */
  element?(set: SetPath, container: Container, element: Element): Element | undefined;
  /** All tables of families ip and ip6, also those of other programs. */
  tables(): readonly FoundTable[];
  /** Names of the chains of a table, which may be another program's; none where the table does not exist. */
  chains(table: TableName): readonly string[];
  /** Generation id of nf_tables: every batch that a process in the network namespace commits adds one to it. */
  generation(): number;
  /** Closes sockets; the rules stay in the kernel. */
  [Symbol.dispose](): void;
}

/** A kernel whose rules can be compared with others in pieces. */
export type PiecewiseKernel = Kernel & Required<Pick<Kernel, "listInPieces" | "element">>;

/** A part of a listing. */
export type ListedPiece =
  /** `table` is undefined where it does not exist. */
  | { readonly kind: "table"; readonly family: Family; readonly table: Table | undefined }
  | {
    readonly kind: "elements";
    readonly set: SetPath;
    readonly container: Container;
    readonly elements: readonly Element[];
    /** Whether the elements of this set begin and end here. */
    readonly first: boolean;
    readonly last: boolean;
  };

/** The result of a commit and its costs. */
export interface CommitReceipt {
  /**
   * The generation that the commit made, where it changed anything: the kernel does not count a batch that leaves all as it was. Of a
   * large batch that is the first, or follows one that the kernel refused, it is the generation before it plus one: where another process
   * committed between that question and the batch, it is too low. So after a batch with a new position, which changes that, it equals the
   * kernel's present generation only if no process has committed since.
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

/** A table holds an object that this program never writes: another program changed it. */
export class UnreadableRuleset extends Error {
  override readonly name = "UnreadableRuleset";

  /** `tables`: those of the requested tables that exist. */
  constructor(message: string, readonly tables: readonly TableName[]) {
    super(message);
  }
}

/** The pieces of one set, of which `parts` has the elements; one piece without any where there are none. */
export function* listedPieces(
  set: SetPath,
  container: Container,
  parts: Iterable<readonly Element[]>,
): Generator<ListedPiece, void, void> {
  let first = true;
  for (const elements of parts) {
    yield { kind: "elements", set, container, elements, first, last: false };
    first = false;
  }
  yield { kind: "elements", set, container, elements: [], first, last: true };
}
