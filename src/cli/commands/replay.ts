// `ledgerproxy replay LEDGER`: every commit folded and planned again, into the kernel in memory or this namespace's, each
// digest compared. The first difference is printed with both sides.

import { printLines } from "../terminal.ts";
import { printJson } from "../json_schema.ts";
import { FakeKernel } from "../../kernel/fake_kernel.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { NetlinkKernel } from "../../kernel/netlink_kernel.ts";
import { segmentFirst } from "../../ledger/format.ts";
import { segmentNames } from "../../ledger/segment.ts";
import { changeLine } from "../history_text.ts";
import { existingLedger, offsetAt } from "../ledger_history.ts";
import { ourTables } from "../../node/other_proxies.ts";
import type { PositionArgument } from "../position_argument.ts";
import { progress } from "../../node/progress.ts";
import { type PartResult, type ReplayDifference, replayPart } from "../replay_part.ts";
import { partsOf, replayParts } from "../replay_workers.ts";
import { UsageError } from "../../node/usage_error.ts";

/** Flags of `replay`. */
export interface ReplayOptions {
  readonly to?: PositionArgument;
  readonly intoKernel?: boolean;
  /** How many times faster than it happened; as fast as it goes unless given. */
  readonly speed?: number;
  readonly json?: boolean;
}

/** Changes of each side that are shown where a commit differs. */
const SHOWN_MAX = 20;

/** Replays the ledger in the folder `path`; returns 1 at the first difference. */
export async function replay(path: string, options: ReplayOptions): Promise<number> {
  const storage = existingLedger(path);
  const through = options.to === undefined ? Infinity : offsetAt(storage, options.to);
  const start = performance.now();
  const inOrder = options.intoKernel === true || options.speed !== undefined;
  const parts = inOrder ? [] : partsOf(storage, through);
  const result = parts.length > 1 ? await replayParts(path, parts) : await replayInto(path, through, options);
  const seconds = (performance.now() - start) / 1000;
  if (result.problem !== null) throw new UsageError(result.problem);
  const { records, commits, otherVersions } = result;
  const recordsPerSecond = Math.round(records / seconds);
  const difference = result.difference && differenceJson(result.difference);
  if (options.json) {
    printJson("replay/1", { records, commits, otherVersions, seconds, recordsPerSecond, difference });
  } else if (result.difference !== null) printLines(differenceLines(result.difference));
  else {
    const rate = options.speed === undefined ? ` (${recordsPerSecond} records a second)` : "";
    const others = otherVersions === 0
      ? ""
      : ` but for ${otherVersions} that another version of the program made`;
    console.log(`${records} records, ${commits} commits: each as it was${others}${rate}`);
  }
  return difference === null ? 0 : 1;
}

async function replayInto(path: string, through: number, options: ReplayOptions): Promise<PartResult> {
  using kernel: Kernel = options.intoKernel ? new NetlinkKernel() : new FakeKernel();
  if (ourTables(kernel).length > 0) {
    throw new UsageError(
      "--into-kernel: our tables are here already; use a namespace of its own: unshare --net ledgerproxy replay ...",
    );
  }
  const storage = existingLedger(path);
  const part = { from: segmentFirst(segmentNames(storage)[0]!)!, through, bounded: false };
  return await replayPart(storage, part, kernel, progress("records replayed"), options.speed);
}

function differenceJson({ offset, record, changes, digest }: ReplayDifference) {
  return { offset, digest, recorded: record.digest, changes: record.changes, now: changes };
}

function differenceLines({ offset, record, changes, digest }: ReplayDifference): string[] {
  const side = (name: string, digest: string, changes: readonly string[]) => [
    `${name}, digest ${digest}:`,
    ...changes.slice(0, SHOWN_MAX).map((line) => `    ${line}`),
    ...(changes.length > SHOWN_MAX ? [`    and ${changes.length - SHOWN_MAX} more`] : []),
  ];
  return [
    `the commit @${offset} of @${record.from} to @${record.through} comes out differently`,
    ...side("as it was", record.digest, record.changes.map(changeLine)),
    ...side("as it is now", digest, changes.map(changeLine)),
  ];
}
