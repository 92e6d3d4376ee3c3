// Replays a long ledger with as many workers as there are processors, each with a part of it. A worker is this program again. It
// gets its part as a message.

import { joinResults, type Part, replayPart, type ReplayResult } from "../history/replay_part.ts";
import { FakeKernel } from "../kernel/fake_kernel.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { KernelRejection } from "../kernel/kernel_rejection.ts";
import { isSegmentGone, SegmentGone } from "../ledger/gone.ts";
import { openPast } from "../library/open_ledger.ts";
import type { Transaction } from "../nft/transaction.ts";
import { progress } from "../node/progress.ts";

/** The message to a worker. */
interface Task {
  readonly path: string;
  readonly part: Part;
}

/** The messages of a worker: it is ready, its progress, and at last the result of its part or an error. */
type WorkerMessage =
  | { readonly kind: "ready" }
  | { readonly kind: "progress"; readonly records: number }
  | { readonly kind: "result"; readonly result: ReplayResult }
  | { readonly kind: "error"; readonly error: string }
  /** Retention removed what the part needs. */
  | { readonly kind: "gone" };

/** A worker reports its progress after so many records. */
const RECORDS_A_REPORT = 10_000;

/** Replays all parts at the same time. The first part that differs counts. */
export async function replayParts(path: string, parts: readonly Part[]): Promise<ReplayResult> {
  const counted = progress("records replayed");
  const counts = parts.map(() => 0);
  const results = await Promise.all(parts.map((part, i) =>
    replayInWorker({ path, part }, (records) => {
      counts[i] = records;
      counted(counts.reduce((sum, count) => sum + count, 0));
    })
  ));
  return joinResults(results);
}

/** Replays one part in a worker, which ends with the result. */
function replayInWorker(task: Task, counted: (records: number) => void): Promise<ReplayResult> {
  const { promise, resolve, reject } = Promise.withResolvers<ReplayResult>();
  const worker = new Worker(Deno.mainModule, { type: "module" });
  worker.onmessage = ({ data }: MessageEvent<WorkerMessage>) => {
    switch (data.kind) {
      case "ready":
        return worker.postMessage(task);
      case "progress":
        return counted(data.records);
      case "result":
        return resolve(data.result);
      case "gone":
        return reject(new SegmentGone(task.path));
      case "error":
        return reject(new Error(data.error));
    }
  };
  worker.onerror = (event) => {
    event.preventDefault();
    reject(new Error(event.message));
  };
  return promise.finally(() => worker.terminate());
}

/** The side of {@link replayParts} in a worker: waits for a part and replays it. */
export function serveReplay(): void {
  const worker = self as unknown as Pick<Worker, "onmessage" | "postMessage">;
  const send = (message: WorkerMessage) => worker.postMessage(message);
  worker.onmessage = ({ data }: MessageEvent<Task>) => {
    try {
      send({ kind: "result", result: replayTask(data, (records) => send({ kind: "progress", records })) });
    } catch (error) {
      send(isSegmentGone(error) ? { kind: "gone" } : { kind: "error", error: String(error) });
    }
  };
  send({ kind: "ready" });
}

/** Commits to `kernel`; returns why that is not possible, where the commit at `offset` cannot have been made so. */
export function commitProblem(kernel: Kernel, offset: number, transaction: Transaction): string | undefined {
  try {
    kernel.commit(transaction);
    return undefined;
  } catch (error) {
    if (!(error instanceof KernelRejection)) throw error;
    return `@${offset}: the commit cannot be made again: ${error.message}`;
  }
}

/** Replays one part into a kernel in memory, which checks every transaction. */
function replayTask({ path, part }: Task, counted: (records: number) => void): ReplayResult {
  const kernel = new FakeKernel();
  const steps = replayPart(openPast(path), part);
  for (let count = 1;; count++) {
    const step = steps.next();
    if (step.done) return step.value;
    const { offset, transaction } = step.value;
    const problem = transaction && commitProblem(kernel, offset, transaction);
    if (problem !== undefined) {
      return { records: count, commits: 0, otherVersions: 0, difference: null, problem };
    }
    if (count % RECORDS_A_REPORT === 0) counted(count);
  }
}
