// Commits to a table of its own, thousands of times in a second: `deno run busy_program.ts`, until it is killed.

import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";

using kernel = new NetlinkKernel();
const table = { noun: "table", family: "ip", table: "elsewhere" } as const;
for (;;) {
  kernel.commit([{ verb: "add", ...table }]);
  kernel.commit([{ verb: "delete", ...table }]);
}
