// `ledgerproxy replay LEDGER`: folds and plans every commit again, commits it to a kernel in memory or to this namespace's, and
// compares each digest. It prints the first difference with both sides.

import { countText } from "../../count_text.ts";
import type { Past } from "../../history/past.ts";
import type { PositionExpression } from "../../history/position_expression.ts";
import { partsOf, type ReplayResult } from "../../history/replay_part.ts";
import { replayDifferenceLines } from "../../history/replay_words.ts";
import { FakeKernel } from "../../kernel/fake_kernel.ts";
import { askAgainLater } from "../../ledger/gone.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { NetlinkKernel } from "../../kernel/netlink_kernel.ts";
import { REPLAY_WORKERS_MAX } from "../../limits/questions.ts";
import { EXIT } from "../../node/exit_code.ts";
import { ourTables } from "../../node/other_proxies.ts";
import { log } from "../../node/log.ts";
import { progress } from "../../node/progress.ts";
import { UsageError } from "../../node/usage_error.ts";
import { type Command, type Done, LEDGER_FLAG, positive } from "../command_line.ts";
import { pace } from "../replay_pace.ts";
import { replayCommits } from "../replay_commits.ts";
import { replayParts } from "../replay_workers.ts";
import { printJson, printLines, printText } from "../terminal.ts";
import { offsetArgument, pastArgument, positionArgument } from "../arguments.ts";

/** Flags of `replay`. */
export interface ReplayOptions {
  readonly ledger?: string;
  readonly to?: PositionExpression;
  readonly intoKernel?: boolean;
  /** How many times faster than the records were written; undefined: without pauses. */
  readonly speed?: number;
  readonly json?: boolean;
}

/** Adds `replay` to the program. */
export function addReplay(program: Command, done: Done): void {
  program.command("replay")
    .description("fold and plan every commit again, and compare each digest with the one that was written")
    .argument("[ledger]", "folder of the ledger")
    .option(...LEDGER_FLAG)
    .option("--to <position>", "only up to this position", positionArgument)
    .option(
      "--into-kernel",
      "commit to the kernel, in this network namespace, in place of a kernel in memory",
    )
    .option("--speed <n>", "n times faster than the records were written (as fast as possible)", positive)
    .option("--json", "one line of JSON")
    .addHelpText("after", "\nExample:\n  ledgerproxy replay /var/lib/ledgerproxy/ledger")
    .action(async (ledger: string | undefined, options: ReplayOptions) =>
      done(await replayCommand(ledger, options))
    );
}

/** Replays the ledger in folder `path`; returns 1 at the first difference. Throws UsageError, WrongPosition. */
async function replayCommand(folder: string | undefined, options: ReplayOptions): Promise<number> {
  const past = pastArgument(options.ledger, folder);
  const start = performance.now();
  const result = await replayed(past.path, past, options);
  if (result.problem !== null) log.error(result.problem);
  print(result, (performance.now() - start) / 1000, options);
  return result.difference === null && result.problem === null ? EXIT.done : EXIT.found;
}

/** Replays, and again where retention removes what is read; not into a kernel, which has a part of it then. */
async function replayed(path: string, past: Past, options: ReplayOptions): Promise<ReplayResult> {
  const inOrder = options.intoKernel === true || options.speed !== undefined;
  const workers = Math.min(navigator.hardwareConcurrency, REPLAY_WORKERS_MAX);
  const once = async () => {
    const through = options.to === undefined ? Infinity : offsetArgument(past, options.to);
    const parts = inOrder ? [] : partsOf(past, through, workers);
    return parts.length > 1 ? await replayParts(path, parts) : await replayInOrder(past, through, options);
  };
  return inOrder ? await once() : await askAgainLater(once);
}

/** Replays all records in one process, into one kernel, at the pace that the flags set. */
async function replayInOrder(
  past: Past,
  through: number,
  options: ReplayOptions,
): Promise<ReplayResult> {
  using kernel: Kernel = options.intoKernel ? new NetlinkKernel() : new FakeKernel();
  if (ourTables(kernel).length > 0) {
    throw new UsageError(
      "--into-kernel: our tables are here already; use a namespace of its own: unshare --net ledgerproxy replay ...",
    );
  }
  const due = pace(options.speed);
  const counted = progress("records replayed");
  const replay = replayCommits(kernel, past, { from: past.first(), through, bounded: false });
  for (let count = 1;; count++) {
    const step = replay.next();
    if (step.done) return step.value;
    if (due !== undefined) await due(step.value.time);
    counted(count);
  }
}

/** Prints the counts, or the first difference. */
function print(
  { records, commits, otherVersions, difference, problem }: ReplayResult,
  seconds: number,
  options: ReplayOptions,
): void {
  const recordsPerSecond = Math.round(records / seconds);
  if (options.json) {
    printJson("replay/1", {
      ...{ records, commits, otherVersions, seconds, recordsPerSecond, problem },
      difference: difference && {
        ...{ offset: difference.offset, digest: difference.digest, recorded: difference.record.digest },
        ...{ changes: difference.record.changes, now: difference.changes },
      },
    });
  } else if (difference !== null) printLines(replayDifferenceLines(difference));
  else if (problem === null) {
    const rate = options.speed === undefined ? ` (${countText(recordsPerSecond, "record")} a second)` : "";
    const others = otherVersions === 0
      ? ""
      : ` but for ${otherVersions} that another version of the program made`;
    printText(
      `${countText(records, "record")}, ${countText(commits, "commit")}: each as it was${others}${rate}`,
    );
  }
}
