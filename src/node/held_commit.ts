// Finds out, before a start reads the state, whether the kernel holds the rules of the ledger's last commit. It is enough to
// compare positions, because the position is an element of the same batch as the rules. Where nf_tables' generation is still
// the one that this commit made, no program has changed any table since.

import { containers, POSITION_SET, TABLE } from "../fold/skeleton.ts";
import type { NetlinkKernel } from "../kernel/netlink_kernel.ts";
import { UnreadableRuleset } from "../kernel/kernel.ts";
import { SystemError } from "../kernel/system_error.ts";
import { ledgerId, readBackward } from "../ledger/reader.ts";
import type { CommitRecord } from "../ledger/record.ts";
import { isLedgerDamage } from "../ledger/damage.ts";
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
  const commit = lastCommit(storage);
  const held = commit?.through === position.offset && commit.digest === position.digest &&
    ledgerId(storage) === position.ledger;
  return held ? { position, generation: commit.generation } : undefined;
}

/** The newest commit that the kernel accepted. The ledger is read from its end, so a long one takes no longer. */
function lastCommit(storage: Storage): CommitRecord | undefined {
  for (const { record } of readBackward(storage)) {
    if (record.kind === "commit" && record.outcome === "committed") return record;
  }
  return undefined;
}
