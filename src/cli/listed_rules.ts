// Lists our tables in the kernel of this network namespace, for `diff` and `verify --kernel`, and reads what their elements have
// counted, for `services`, `top` and `why`.

import { list } from "../engine/executor.ts";
import { TABLE } from "../fold/skeleton.ts";
import { type CountedElements, countedElements } from "../history/counted_connections.ts";
import { CounterReader } from "../kernel/element_counts.ts";
import { NetlinkKernel } from "../kernel/netlink_kernel.ts";
import { ERRNO, SystemError } from "../kernel/system_error.ts";
import { countedMaps } from "../node/connection_counting.ts";
import { heldPosition } from "../node/held_commit.ts";
import { log } from "../node/log.ts";
import { namedTables } from "../node/other_proxies.ts";
import type { ElementCount, Ruleset } from "../nft/ruleset.ts";

/** How often tables are listed that other programs change meanwhile, and the pause before it. */
const LISTINGS_MAX = 10;
const LISTED_AGAIN_MILLISECONDS = 200;

/**
 * The tables in the kernel that were made from the ledger with that id, else those of the proxy without a name; or the reason why
 * they cannot be read.
 */
export function listedRules(ledger: string): Ruleset | string {
  return inKernel(kernelTableOf(ledger), (kernel) => {
    let listed = list(kernel);
    for (let tried = 1; listed.kind === "unlisted" && tried < LISTINGS_MAX; tried++) {
      // Nothing else waits for this program.
      Atomics.wait(
        new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)),
        0,
        0,
        LISTED_AGAIN_MILLISECONDS,
      );
      listed = list(kernel);
    }
    if (listed.kind === "unlisted") return `kernel: ${listed.error}`;
    return listed.kind === "listed"
      ? listed.ruleset
      : "kernel: our tables hold what this program never writes";
  });
}

/** What `--kernel` says in help. */
export const COUNTS_FLAG = [
  "--kernel",
  "with the connections that this node's kernel has counted (run --count-connections)",
] as const;

/** The counts of the rules that were made from the ledger with that id; undefined, and a line in the log, where nothing counts. */
export function countedConnections(ledger: string): CountedElements | undefined {
  const reader = new CounterReader(kernelTableOf(ledger));
  const counts: ElementCount[] = [];
  try {
    for (const map of countedMaps().values()) {
      for (const part of reader.parts(map)) counts.push(...part.counts);
    }
  } catch (error) {
    if (!(error instanceof SystemError) || error.errno !== ERRNO.ENOENT) throw error;
  } finally {
    reader[Symbol.dispose]();
  }
  if (counts.length > 0) return countedElements(counts);
  log.info("the kernel has counted nothing: connections are counted by `run --count-connections`");
  return undefined;
}

/** The name in the kernel of the table whose position is one of ledger `ledger`. A proxy with a name has its own, and so several may be here. */
function kernelTableOf(ledger: string): string {
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
