// What a start knows before it has read its state: whether the kernel holds the rules of the ledger's last commit. The
// position moves with the rules or not at all, so that comparing it is enough; and where nf_tables' generation is still the
// one that this commit made, nobody has changed anything since.

import { containers, POSITION_SET, TABLE } from "../fold/skeleton.ts";
import type { NetlinkKernel } from "../kernel/netlink_kernel.ts";
import { SystemError } from "../kernel/system_error.ts";
import { ledgerId, readBackward } from "../ledger/reader.ts";
import type { CommitRecord } from "../ledger/record.ts";
import { isLedgerDamage } from "../ledger/damage.ts";
import { folderStorage, type Storage } from "../ledger/storage.ts";
import { FAMILIES } from "../nft/data_type.ts";
import { type Position, POSITION_PATH, positionOf } from "../plan/position.ts";
import { ourTables } from "./other_proxies.ts";

/** The ledger's last commit, which the kernel holds. */
export interface HeldCommit {
  readonly position: Position;
  /** The one that it made of nf_tables: while that is the kernel's, every element is as this commit left it. */
  readonly generation: number;
}

/** The last commit of the ledger in `folder`, where the rules in `kernel` are those of it. */
export function heldCommit(folder: string | undefined, kernel: NetlinkKernel): HeldCommit | undefined {
  if (folder === undefined) return undefined;
  try {
    if (ourTables(kernel).length < FAMILIES.length) return undefined;
    const elements = kernel.elements({ family: "ip", name: TABLE }, containers("ip")[POSITION_SET]!);
    const position = positionOf(new Map([[POSITION_PATH, elements]]));
    return position && commitAt(folderStorage(folder, false), position);
  } catch (error) {
    // Whatever is wrong is told by what reads it in full.
    const expected = error instanceof SystemError || error instanceof Deno.errors.NotFound ||
      isLedgerDamage(error);
    if (!expected) throw error;
    return undefined;
  }
}

/** The last commit of the ledger in `storage`, where `position` is the one that it put into the kernel. */
export function commitAt(storage: Storage, position: Position): HeldCommit | undefined {
  const commit = lastCommit(storage);
  const held = commit?.through === position.offset && commit.digest === position.digest &&
    ledgerId(storage) === position.ledger;
  return held ? { position, generation: commit.generation } : undefined;
}

function lastCommit(storage: Storage): CommitRecord | undefined {
  for (const { record } of readBackward(storage)) {
    if (record.kind === "commit" && record.outcome === "committed") return record;
  }
  return undefined;
}
