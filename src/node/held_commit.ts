// Finds out, before a start reads the state, whether the kernel holds the rules of the ledger's last commit. It is enough to
// compare positions, because the position is an element of the same batch as the rules. Where nf_tables' generation is still
// the one that this commit made, no program has changed any table since.

import { containers, POSITION_SET, TABLE } from "../fold/skeleton.ts";
import type { NetlinkKernel } from "../kernel/netlink_kernel.ts";
import { UnreadableRuleset } from "../kernel/kernel.ts";
import { SystemError } from "../kernel/system_error.ts";
import { segmentFirst, segmentNames } from "../ledger/format.ts";
import { commitBehind, type LastCommit } from "../ledger/last_commit.ts";
import { ledgerId, readBackward } from "../ledger/reader.ts";
import { isLedgerDamage } from "../ledger/damage.ts";
import { SNAPSHOT_HEAD_BYTES, snapshotHead, snapshotNext } from "../ledger/snapshot.ts";
import type { Storage } from "../ledger/storage.ts";
import { FAMILIES } from "../nft/data_type.ts";
import { type Position, POSITION_PATH, positionOf } from "../plan/position.ts";
import { ourTables } from "./other_proxies.ts";

/** The ledger's last commit, where the kernel holds it. */
export interface HeldCommit {
  readonly position: Position;
  /** The nf_tables generation that it made. While the kernel has it, every element is as this commit left it. */
  readonly generation: number;
}

/** The position that `kernel` holds beside our rules. */
export function heldPosition(kernel: NetlinkKernel): Position | undefined {
  try {
    if (ourTables(kernel).length < FAMILIES.length) return undefined;
    const elements = kernel.elements({ family: "ip", name: TABLE }, containers("ip")[POSITION_SET]!);
    return positionOf(new Map([[POSITION_PATH, elements]]));
  } catch (error) {
    // The start lists the tables next, and reports the error then.
    if (!(error instanceof SystemError || error instanceof UnreadableRuleset)) throw error;
    return undefined;
  }
}

/** As {@link commitAt}. Undefined also where the ledger is damaged: the start reads all of it next, and reports that then. */
export function heldCommit(storage: Storage, position: Position): HeldCommit | undefined {
  try {
    return commitAt(storage, position);
  } catch (error) {
    if (!isLedgerDamage(error)) throw error;
    return undefined;
  }
}

/** The last commit of the ledger in `storage`, where it is the commit that wrote `position` into the kernel. */
export function commitAt(storage: Storage, position: Position): HeldCommit | undefined {
  const ledger = ledgerId(storage);
  const commit = ledger === position.ledger ? lastCommit(storage, ledger) : undefined;
  const held = commit?.through === position.offset && commit.digest === position.digest;
  return held ? { position, generation: commit.generation } : undefined;
}

/**
 * The newest commit that the kernel accepted. The ledger is read from its end, so a long one takes no longer. What is before the
 * newest snapshot is not read where the snapshot has the commit.
 */
function lastCommit(storage: Storage, ledger: string): LastCommit | undefined {
  const passed = passedCommit(storage, ledger);
  const follows = (_: string, after: string) => passed === undefined || segmentFirst(after)! > passed.next;
  let last: LastCommit | undefined;
  for (const { record } of readBackward(storage, follows)) {
    last = commitBehind(undefined, record);
    if (last !== undefined) return last;
  }
  return passed?.commit;
}

/**
 * The newest snapshot that has the last commit before it. A segment must begin there: else its records may be of a tail that was cut
 * off. Its hash is not proven: a wrong generation is as probable as a bit that flips to the one that the kernel has.
 */
function passedCommit(
  storage: Storage,
  ledger: string,
): { readonly next: number; readonly commit: LastCommit } | undefined {
  const name = storage.names().findLast((name) => snapshotNext(name) !== undefined);
  if (name === undefined) return undefined;
  const next = snapshotNext(name)!;
  if (!segmentNames(storage).some((segment) => segmentFirst(segment) === next)) return undefined;
  const head = snapshotHead(storage.read(name, 0, SNAPSHOT_HEAD_BYTES));
  const isOurs = head?.ledger === ledger && head.next === next;
  return isOurs && head.commit !== undefined ? { next, commit: head.commit } : undefined;
}
