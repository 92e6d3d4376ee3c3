// What a start knows before it has read its state: whether the kernel holds the rules of the ledger's last commit. The
// position moves with the rules or not at all, so that comparing it is enough; elements that somebody changed since are
// found when all of them are listed.

import { containers, POSITION_SET, TABLE } from "../fold/skeleton.ts";
import type { NetlinkKernel } from "../kernel/netlink_kernel.ts";
import { SystemError } from "../kernel/system_error.ts";
import { ledgerId, readBackward } from "../ledger/reader.ts";
import type { CommitRecord } from "../ledger/record.ts";
import { isLedgerDamage } from "../ledger/segment.ts";
import { folderStorage, type Storage } from "../ledger/storage.ts";
import { FAMILIES } from "../nft/data_type.ts";
import { POSITION_PATH, positionOf } from "../plan/position.ts";
import { ourTables } from "./other_proxies.ts";

/** The last record folded into the rules in `kernel`, where they are those of the last commit of the ledger in `folder`. */
export function heldCommit(folder: string | undefined, kernel: NetlinkKernel): number | undefined {
  if (folder === undefined) return undefined;
  try {
    if (ourTables(kernel).length < FAMILIES.length) return undefined;
    const elements = kernel.elements({ family: "ip", name: TABLE }, containers("ip")[POSITION_SET]!);
    const position = positionOf(new Map([[POSITION_PATH, elements]]));
    if (position === undefined) return undefined;
    const storage = folderStorage(folder, false);
    const held = ledgerId(storage) === position.ledger && lastCommit(storage)?.digest === position.digest;
    return held ? position.offset : undefined;
  } catch (error) {
    // Whatever is wrong is told by what reads it in full.
    const expected = error instanceof SystemError || error instanceof Deno.errors.NotFound ||
      isLedgerDamage(error);
    if (!expected) throw error;
    return undefined;
  }
}

function lastCommit(storage: Storage): CommitRecord | undefined {
  for (const { record } of readBackward(storage)) {
    if (record.kind === "commit" && record.outcome === "committed") return record;
  }
  return undefined;
}
