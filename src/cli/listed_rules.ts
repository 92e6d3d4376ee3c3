// Lists our tables in the kernel of this network namespace, for `diff` and `verify --kernel`.

import { list } from "../engine/run_loop.ts";
import { NetlinkKernel } from "../kernel/netlink_kernel.ts";
import type { Ruleset } from "../nft/ruleset.ts";

/** Our tables; else the reason why they cannot be read. */
export function listedRules(): Ruleset | string {
  const kernel = new NetlinkKernel();
  try {
    const listed = list(kernel);
    return listed.kind === "listed"
      ? listed.ruleset
      : "kernel: our tables hold what this program never writes";
  } finally {
    kernel[Symbol.dispose]();
  }
}
