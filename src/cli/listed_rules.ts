// Lists our tables in the kernel of this network namespace, for `diff` and `verify --kernel`.

import { list } from "../engine/run_loop.ts";
import { TABLE } from "../fold/skeleton.ts";
import { NetlinkKernel } from "../kernel/netlink_kernel.ts";
import { heldPosition } from "../node/held_commit.ts";
import { namedTables } from "../node/other_proxies.ts";
import type { Ruleset } from "../nft/ruleset.ts";

/**
 * The tables in the kernel that were made from the ledger with that id, else those of the proxy without a name; or the reason why
 * they cannot be read.
 */
export function listedRules(ledger: string): Ruleset | string {
  return inKernel(tableOf(ledger), (kernel) => {
    const listed = list(kernel);
    return listed.kind === "listed"
      ? listed.ruleset
      : "kernel: our tables hold what this program never writes";
  });
}

/** The table whose position is one of ledger `ledger`. A proxy with a name has its own, and so several may be here. */
function tableOf(ledger: string): string {
  const named = inKernel(TABLE, namedTables).filter(({ family }) => family === "ip");
  const found = named.find(({ name }) => inKernel(name, heldPosition)?.ledger === ledger);
  return found?.name ?? TABLE;
}

/** Asks the kernel, where our table is called `table`. */
function inKernel<T>(table: string, ask: (kernel: NetlinkKernel) => T): T {
  const kernel = new NetlinkKernel({ model: TABLE, kernel: table });
  try {
    return ask(kernel);
  } finally {
    kernel[Symbol.dispose]();
  }
}
