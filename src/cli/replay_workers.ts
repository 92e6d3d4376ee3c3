// A long ledger replayed in as many stretches as there are processors, each by a worker: the same program, told a stretch.

import { FakeKernel } from "../kernel/fake_kernel.ts";
import { segmentFirst } from "../ledger/format.ts";
import { segmentNames } from "../ledger/segment.ts";
import { snapshotNext } from "../ledger/snapshot.ts";
import type { Storage } from "../ledger/storage.ts";
import { REPLAY_WORKERS_MAX } from "../limits.ts";
import { existingLedger } from "./ledger_history.ts";
import { progress } from "../node/progress.ts";
import { type Part, type PartResult, replayPart } from "./replay_part.ts";

/** What a worker is told, and what it says. */
interface Task {
  readonly path: string;
  readonly part: Part;
}
type Word = { readonly records: number } | { readonly result: PartResult } | { readonly error: string };

/** Records between two words of a worker. */
const RECORDS_A_WORD = 10_000;
/** Below this many segments one process is as fast. */
const SEGMENTS_MIN = 4;

/** The ledger up to `through` in stretches of about the same length that begin behind snapshots. */
export function partsOf(storage: Storage, through: number): Part[] {
  const names = segmentNames(storage).filter((name) => segmentFirst(name)! <= through);
  const snapshots = new Set(storage.names().map(snapshotNext));
  const wanted = names.length < SEGMENTS_MIN
    ? 1
    : Math.min(navigator.hardwareConcurrency, REPLAY_WORKERS_MAX);
  const starts = [segmentFirst(names[0]!)!];
  for (let part = 1; part < wanted; part++) {
    const first = segmentFirst(names[Math.floor(part * names.length / wanted)]!)!;
    if (snapshots.has(first) && first > starts.at(-1)!) starts.push(first);
  }
  return starts.map((from, i) => {
    const next = starts[i + 1];
    return { from, through: next === undefined ? through : next - 1, bounded: next !== undefined };
  });
}

/** Replays all parts at once; of several that differ the first counts. */
export async function replayParts(path: string, parts: readonly Part[]): Promise<PartResult> {
  const told = progress("records replayed");
  const counts = parts.map(() => 0);
  const results = await Promise.all(parts.map((part, i) =>
    replayElsewhere({ path, part }, (records) => {
      counts[i] = records;
      told(counts.reduce((sum, count) => sum + count, 0));
    })
  ));
  const sum = (count: (result: PartResult) => number) => results.map(count).reduce((a, b) => a + b);
  const first = results.find(({ difference, problem }) => difference !== null || problem !== null);
  return {
    records: sum(({ records }) => records),
    commits: sum(({ commits }) => commits),
    otherVersions: sum(({ otherVersions }) => otherVersions),
    difference: first?.difference ?? null,
    problem: first?.problem ?? null,
  };
}

function replayElsewhere(task: Task, told: (records: number) => void): Promise<PartResult> {
  const { promise, resolve, reject } = Promise.withResolvers<PartResult>();
  const worker = new Worker(Deno.mainModule, { type: "module" });
  worker.onmessage = ({ data }: MessageEvent<Word | "ready">) => {
    if (data === "ready") worker.postMessage(task);
    else if ("records" in data) told(data.records);
    else if ("result" in data) resolve(data.result);
    else reject(new Error(data.error));
  };
  worker.onerror = (event) => {
    event.preventDefault();
    reject(new Error(event.message));
  };
  return promise.finally(() => worker.terminate());
}

/** Serves {@link replayElsewhere}, in a worker. */
export function serveReplay(): void {
  const worker = self as unknown as Pick<Worker, "onmessage" | "postMessage">;
  const say = (word: Word | "ready") => worker.postMessage(word);
  worker.onmessage = async ({ data: { path, part } }: MessageEvent<Task>) => {
    try {
      const told = (records: number) => records % RECORDS_A_WORD === 0 && say({ records });
      say({ result: await replayPart(existingLedger(path), part, new FakeKernel(), told) });
    } catch (error) {
      say({ error: String(error) });
    }
  };
  say("ready");
}
