// Replays a part of a ledger into a kernel, commit by commit: in one process, and in each worker of a long replay.

import type { Past } from "../history/past.ts";
import { type Part, replayPart, type ReplayResult } from "../history/replay_part.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { KernelRejection } from "../kernel/kernel_rejection.ts";
import type { LedgerRecord } from "../ledger/record.ts";
import type { Transaction } from "../nft/transaction.ts";

/** Yields each record of `part`, and commits what it makes before the next. Ends at the first difference, or where `kernel` rejects a commit. */
export function* replayCommits(
  kernel: Kernel,
  past: Past,
  part: Part,
): Generator<LedgerRecord, ReplayResult> {
  const steps = replayPart(past, part);
  let problem: string | undefined;
  for (;;) {
    const step = steps.next(problem);
    if (step.done) return step.value;
    const { offset, record, transaction } = step.value;
    yield record;
    problem = transaction && commitProblem(kernel, offset, transaction);
  }
}

/** Commits to `kernel`. Returns why the kernel rejects it, as text; throws every other error. */
function commitProblem(kernel: Kernel, offset: number, transaction: Transaction): string | undefined {
  try {
    kernel.commit(transaction);
    return undefined;
  } catch (error) {
    if (!(error instanceof KernelRejection)) throw error;
    return `@${offset}: the commit cannot be made again: ${error.message}`;
  }
}
