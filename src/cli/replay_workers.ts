// Replays the parts of a long ledger side by side, each in a worker, which is this program again. When one fails, all end.

import { joinResults, type Part, type ReplayResult } from "../history/replay_part.ts";
import { unreachable } from "../invariant.ts";
import { FakeKernel } from "../kernel/fake_kernel.ts";
import { isLedgerDamage, LedgerDamage } from "../ledger/damage.ts";
import { isSegmentGone, SegmentGone } from "../ledger/gone.ts";
import { openPast } from "../library/open_ledger.ts";
import { progress } from "../node/progress.ts";
import { collectGarbage } from "./frugal.ts";
import { replayCommits } from "./replay_commits.ts";

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
  /** A fault of this program, with its stack. */
  | { readonly kind: "error"; readonly error: string }
  | { readonly kind: "damage"; readonly place: DamagedPlace }
  /** Retention removed what the part needs. */
  | { readonly kind: "gone" };

/** A damage without its stack: an error keeps no field of its own in a message. */
type DamagedPlace = Pick<LedgerDamage, "file" | "line" | "byte" | "reason" | "newerVersion">;

/** A worker reports its progress after so many records. */
const RECORDS_A_REPORT = 10_000;

/** Replays all parts at the same time. The first part that differs counts. Throws what a worker threw, SegmentGone and LedgerDamage as such. */
export async function replayParts(path: string, parts: readonly Part[]): Promise<ReplayResult> {
  const counted = progress("records replayed");
  const counts = parts.map(() => 0);
  const workers = parts.map(() => new Worker(Deno.mainModule, { type: "module" }));
  try {
    const results = await Promise.all(
      parts.map((part, i) =>
        replayInWorker(workers[i]!, { path, part }, (records) => {
          counts[i] = records;
          counted(counts.reduce((sum, count) => sum + count, 0));
        })
      ),
    );
    return joinResults(results);
  } finally {
    for (const worker of workers) worker.terminate();
  }
}

/** Replays one part in `worker`, which ends with the result. */
function replayInWorker(
  worker: Worker,
  task: Task,
  counted: (records: number) => void,
): Promise<ReplayResult> {
  const { promise, resolve, reject } = Promise.withResolvers<ReplayResult>();
  worker.onmessage = ({ data }: MessageEvent<WorkerMessage>) => {
    switch (data.kind) {
      case "ready":
        return worker.postMessage(task);
      case "progress":
        return counted(data.records);
      case "result":
        worker.terminate();
        return resolve(data.result);
      case "gone":
        return reject(new SegmentGone(task.path));
      case "damage":
        return reject(damageAt(data.place));
      case "error":
        return reject(new Error(data.error));
      default:
        return unreachable(data);
    }
  };
  worker.onerror = (event) => {
    event.preventDefault();
    reject(new Error(event.message));
  };
  return promise;
}

function damageAt({ file, line, byte, reason, newerVersion }: DamagedPlace): LedgerDamage {
  return new LedgerDamage(file, line, byte, reason, newerVersion);
}

/** The side of {@link replayParts} in a worker: waits for a part and replays it. */
export function serveReplay(): void {
  const worker = self as unknown as Pick<Worker, "onmessage" | "postMessage">;
  const send = (message: WorkerMessage) => worker.postMessage(message);
  worker.onmessage = ({ data }: MessageEvent<Task>) => {
    try {
      send({ kind: "result", result: replayTask(data, (records) => send({ kind: "progress", records })) });
    } catch (error) {
      send(failureOf(error));
    }
  };
  send({ kind: "ready" });
}

/** The message about what a part threw. */
function failureOf(error: unknown): WorkerMessage {
  if (isSegmentGone(error)) return { kind: "gone" };
  if (isLedgerDamage(error)) {
    const { file, line, byte, reason, newerVersion } = error;
    return { kind: "damage", place: { file, line, byte, reason, ...(newerVersion && { newerVersion }) } };
  }
  return { kind: "error", error: error instanceof Error ? error.stack ?? error.message : String(error) };
}

/** Replays one part into a kernel in memory, which checks every transaction. */
function replayTask({ path, part }: Task, counted: (records: number) => void): ReplayResult {
  // As in every command: a worker has the room of a node, too.
  collectGarbage();
  const replay = replayCommits(new FakeKernel(), openPast(path), part);
  for (let count = 1;; count++) {
    const step = replay.next();
    if (step.done) return step.value;
    if (count % RECORDS_A_REPORT === 0) counted(count);
  }
}
