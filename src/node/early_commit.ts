// Commits what an API server reports first, before the state is made from the ledger: a start of a large cluster takes most of its time
// for that. `engine/early_plan.ts` decides what can be committed so. The start goes on as after a commit of the process before it, so
// metrics do not count this one.

import { commitRecord } from "../engine/commit_record.ts";
import { type EarlyPlan, planEarly } from "../engine/early_plan.ts";
import { countText } from "../count_text.ts";
import { CONTAINERS } from "../fold/skeleton.ts";
import type { SourceBatch } from "../ingest/source.ts";
import { UnreadableRuleset } from "../kernel/kernel.ts";
import { KernelRejection } from "../kernel/kernel_rejection.ts";
import type { NetlinkKernel } from "../kernel/netlink_kernel.ts";
import { SystemError } from "../kernel/system_error.ts";
import { type ConfigRecord, offsetOf } from "../ledger/record.ts";
import { sameElement } from "../nft/ruleset.ts";
import { turn } from "../pause.ts";
import { digestText } from "../plan/digest.ts";
import type { BegunSource } from "./begun_source.ts";
import type { HeldCommit } from "./held_commit.ts";
import type { LedgerAhead } from "./ledger_ahead.ts";
import { log, sinceStart } from "./log.ts";
import type { RunLedger } from "./run_ledger.ts";

/** What it asks of the kernel. */
type EarlyKernel = Pick<NetlinkKernel, "generation" | "element" | "commit">;

/** What an early commit needs. */
export interface EarlyParts {
  readonly kernel: EarlyKernel;
  readonly ledger: RunLedger;
  readonly ahead: LedgerAhead;
  readonly config: ConfigRecord;
}

/**
 * Commits the first changes of slices that `source` brings, where they come while the snapshot is parsed and need nothing but the
 * Services that they are about. The loop does not get what was committed: the ledger has it. `held` is the last commit, since which no
 * program has committed; returns the last one then.
 */
export async function commitEarly(
  parts: EarlyParts,
  source: BegunSource,
  held: HeldCommit,
): Promise<HeldCommit> {
  let last = held;
  do {
    // An answer needs several turns: in longer steps it would come later. Between two of setImmediate none comes at all (Deno 2.9).
    await turn();
    for (let next = firstOfSlices(source); next >= 0; next = firstOfSlices(source)) {
      const committed = await commitBatch(parts, source.received[next]!, last);
      // Batches that follow may be about the same slices.
      if (committed === undefined) return last;
      source.take(next);
      last = committed;
    }
  } while (parts.ahead.parsePiece());
  return last;
}

/** Where the first batch about slices is among those that were received; -1 where there is none. */
function firstOfSlices({ received }: BegunSource): number {
  return received.findIndex((batch) =>
    batch.kind === "list"
      ? batch.kinds?.includes("EndpointSlice") ?? true
      : batch.events.some(({ key }) => key.kind === "EndpointSlice")
  );
}

/** Commits `batch` where that can be done early; undefined where it cannot, or where the kernel refuses it. */
async function commitBatch(
  { kernel, ledger, ahead, config }: EarlyParts,
  batch: SourceBatch,
  { position, generation }: HeldCommit,
): Promise<HeldCommit | undefined> {
  if (!await ahead.isWhole) return undefined;
  const { lines, records, next } = ahead;
  const plan = planEarly({ lines, records, position, config }, batch, (i) => offsetOf(next + i));
  if (plan === undefined) return undefined;
  const opened = ledger.continueAhead(ahead);
  await opened.ready();
  if (generation !== kernel.generation() || !holdsBefore(kernel, plan)) return undefined;
  ahead.append(plan.records);
  opened.awaitWritten();
  try {
    const receipt = kernel.commit(plan.transaction);
    ahead.append([commitRecord(position.offset + 1, plan, receipt, new Date().toISOString())]);
    const missed = countText(plan.records.length, "missed change");
    log.info(`committed ${missed}, as of @${plan.through}, ${sinceStart()}`);
    const digest = digestText(plan.digest);
    // Where another program has committed in between, the kernel's generation is higher.
    return { position: { ...position, offset: plan.through, digest }, generation: generation + 1 };
  } catch (error) {
    if (!(error instanceof KernelRejection)) throw error;
    log.warn(`${error.message}; what was missed is committed once the state is made`);
    return undefined;
  }
}

/** Whether the kernel holds what `plan` changes as the ledger has it. */
function holdsBefore(kernel: EarlyKernel, { delta }: EarlyPlan): boolean {
  try {
    return delta.every(({ set, before, after }) =>
      sameElement(kernel.element(set, CONTAINERS.get(set)!, (before ?? after)!), before)
    );
  } catch (error) {
    // The start meets the error again where it is not over, and reports it.
    if (!(error instanceof SystemError || error instanceof UnreadableRuleset)) throw error;
    return false;
  }
}
