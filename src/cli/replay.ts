// `ledgerproxy replay LEDGER`: every commit folded and planned again, into the kernel in memory or this namespace's, each
// digest compared. The first difference is printed with both sides.

import { newReplay, type Replayed, replayRecord } from "../history/replay.ts";
import { FakeKernel } from "../kernel/fake_kernel.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { NetlinkKernel } from "../kernel/netlink_kernel.ts";
import { segmentFirst } from "../ledger/format.ts";
import { readLedger } from "../ledger/reader.ts";
import { segmentNames } from "../ledger/segment.ts";
import { changeLine } from "./history_text.ts";
import { existingLedger, offsetAt, stateBefore } from "./ledger_history.ts";
import { ourTables } from "./other_proxies.ts";
import type { PositionArgument } from "./position_argument.ts";
import { printable } from "./printable.ts";
import { progress } from "./progress.ts";
import { UsageError } from "./usage_error.ts";

/** Flags of `replay`. */
export interface ReplayOptions {
  readonly to?: PositionArgument;
  readonly intoKernel?: boolean;
  readonly json?: boolean;
}

/** Changes of each side that are shown where a commit differs. */
const SHOWN_MAX = 20;

/** Replays the ledger in the folder `path`; returns 1 at the first difference. */
export function replay(path: string, { to, intoKernel, json }: ReplayOptions): number {
  const storage = existingLedger(path);
  const through = to === undefined ? Infinity : offsetAt(storage, to);
  using kernel: Kernel = intoKernel ? new NetlinkKernel() : new FakeKernel();
  if (ourTables(kernel).length > 0) {
    throw new UsageError(
      "--into-kernel: our tables are here already; use a namespace of its own: unshare --net ledgerproxy replay ...",
    );
  }
  const run = newReplay(stateBefore(storage, segmentFirst(segmentNames(storage)[0]!)! - 1));
  const told = progress("records replayed");
  const start = performance.now();
  let [records, commits] = [0, 0];
  for (const { offset, record } of readLedger(storage)) {
    if (offset > through) break;
    const made = replayRecord(run, offset, record);
    told(++records);
    if (made === undefined) continue;
    kernel.commit(made.transaction);
    commits++;
    if (made.digest !== made.record.digest) return difference(made, json === true);
  }
  const seconds = (performance.now() - start) / 1000;
  const result = {
    records,
    commits,
    seconds,
    recordsPerSecond: Math.round(records / seconds),
    difference: null,
  };
  if (json) console.log(JSON.stringify(result));
  else {console.log(
      `${records} records, ${commits} commits: each as it was (${result.recordsPerSecond} records a second)`,
    );}
  return 0;
}

function difference({ offset, record, delta, digest }: Replayed, json: boolean): number {
  if (json) {
    const now = delta.map(({ set, key, before, after }) => ({
      set,
      key,
      before: before ?? null,
      after: after ?? null,
    }));
    console.log(
      JSON.stringify({
        difference: { offset, digest, recorded: record.digest, changes: record.changes, now },
      }),
    );
    return 1;
  }
  const now = delta.flatMap(({ set, before, after, cause = record.through }) => [
    ...(before ? [changeLine({ verb: "delete", set, cause, ...before })] : []),
    ...(after ? [changeLine({ verb: "add", set, cause, ...after })] : []),
  ]);
  const side = (name: string, digest: string, changes: readonly string[]) => [
    `${name}, digest ${digest}:`,
    ...changes.slice(0, SHOWN_MAX).map((line) => `    ${line}`),
    ...(changes.length > SHOWN_MAX ? [`    and ${changes.length - SHOWN_MAX} more`] : []),
  ];
  const lines = [
    `the commit @${offset} of @${record.from} to @${record.through} comes out differently`,
    ...side("as it was", record.digest, record.changes.map(changeLine)),
    ...side("as it is now", digest, now),
  ];
  console.log(printable(lines.join("\n")));
  return 1;
}
