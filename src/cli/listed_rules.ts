// Lists our tables in the kernel of this network namespace, for `diff` and `verify --kernel`.

import { list } from "../engine/run_loop.ts";
import { TABLE } from "../fold/skeleton.ts";
import { NetlinkKernel } from "../kernel/netlink_kernel.ts";
import { heldPosition } from "../node/held_commit.ts";
import type { Ruleset } from "../nft/ruleset.ts";

/**
 * The tables in the kernel that were made from the ledger with that id, else those of the proxy without a name; or the reason why
 * they cannot be read.
 */
export function listedRules(ledger: string): Ruleset | string {
  using kernel = new NetlinkKernel({ model: TABLE, kernel: tableOf(ledger) });
  const listed = list(kernel);
  return listed.kind === "listed" ? listed.ruleset : "kernel: our tables hold what this program never writes";
}

/** The table whose position is one of ledger `ledger`. A proxy with a name has its own, and so several may be here. */
function tableOf(ledger: string): string {
  using all = new NetlinkKernel();
  const names = all.tables().filter(({ family, name }) => family === "ip" && name.startsWith(`${TABLE}/`));
  const found = names.find(({ name }) => {
    using one = new NetlinkKernel({ model: TABLE, kernel: name });
    return heldPosition(one)?.ledger === ledger;
  });
  return found?.name ?? TABLE;
}
