// A cluster as a source: one reflector a resource, merged. First everything, in parts as it is read, of which the last says
// that nothing is missing, so that no Service is taken for one without endpoints; then changes as they come, gathered while
// a batch is at work.

import { INBOX_BATCHES_MAX } from "../limits.ts";
import type { ObjectKind } from "../kube/objects.ts";
import type { ApiClient } from "./api_client.ts";
import { DEFAULT_TIMES, Reflector, type ReflectorTimes, resources } from "./reflector.ts";
import { type EventsBatch, isPart, type Source, type SourceBatch } from "./source.ts";

/** A source whose connection is known. */
export type ApiSource = Required<Source>;

/**
 * The cluster behind `client`, as a proxy on `node` sees it. Who knows nothing of it is told everything before any change;
 * with `once` that is all.
 */
export function apiSource(
  client: ApiClient,
  node: string,
  once: boolean,
  times: ReflectorTimes = DEFAULT_TIMES,
): ApiSource {
  const inbox = new Inbox();
  const reflectors = resources(node).map((resource) =>
    new Reflector(client, resource, times, (batch) => inbox.put(batch))
  );
  return {
    description: `API server ${client.server}`,
    status: () => reflectors.map((reflector) => reflector.status()),
    async *batches(signal, known) {
      const stop = new AbortController();
      const abort = () => stop.abort();
      signal.addEventListener("abort", abort);
      if (signal.aborted) abort();
      stop.signal.addEventListener("abort", () => inbox.close());
      const resumes = !once && known !== undefined && known.size > 0;
      const running = reflectors.map(async (reflector, i) => {
        if (resumes) return await reflector.run(stop.signal, { known: known.get(reflector.kind) });
        // One after the other: what is told in parts is folded while more is read.
        await reflectors[i - 1]?.told;
        await reflector.run(stop.signal, { inParts: true });
      });
      try {
        for await (const batch of gathered(inbox, resumes ? 0 : reflectors.length)) {
          yield batch;
          if (once && batch.kind === "list" && !isPart(batch)) return;
        }
      } finally {
        signal.removeEventListener("abort", abort);
        stop.abort();
        await Promise.all(running);
        client[Symbol.dispose]();
      }
    },
  };
}

/** Batches in order; until `kinds` resources are listed all are parts of one list, then neighbours are merged. */
async function* gathered(inbox: Inbox, kinds: number): AsyncGenerator<SourceBatch> {
  const listed = new Set<ObjectKind>();
  const early: SourceBatch[] = [];
  while (listed.size < kinds) {
    const batch = await inbox.take();
    if (batch === undefined) return;
    const [kind] = batch.kind === "list" ? batch.kinds! : [];
    if (isPart(batch) || (batch.kind === "events" && batch.events.length === 0)) yield batch;
    else if (batch.kind === "events" || listed.has(kind!)) early.push(batch);
    else yield listed.add(kind!).size < kinds ? { ...batch, part: true } : batch;
  }
  yield* early;
  for (let batch; (batch = await inbox.take()) !== undefined;) {
    yield batch.kind === "list" ? batch : withNeighbours(batch, inbox);
  }
}

/** `first` and all the changes that wait behind it, as one batch. */
function withNeighbours(first: EventsBatch, inbox: Inbox): EventsBatch {
  const events = [...first.events];
  const problems = [...first.problems];
  for (let next = inbox.peek(); next?.kind === "events"; next = inbox.peek()) {
    events.push(...next.events);
    problems.push(...next.problems);
    inbox.drop();
  }
  return { kind: "events", events, problems };
}

/** Batches between reflectors and the loop: bounded, so that a slow disk makes the watches wait, not memory grow. */
class Inbox {
  readonly #batches: SourceBatch[] = [];
  readonly #waiting: (() => void)[] = [];
  #wake: (() => void) | undefined;
  #closed = false;

  async put(batch: SourceBatch): Promise<void> {
    while (this.#batches.length >= INBOX_BATCHES_MAX && !this.#closed) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#batches.push(batch);
    this.#wake?.();
  }

  /** The next batch, when there is one; undefined once closed. */
  async take(): Promise<SourceBatch | undefined> {
    while (this.#batches.length === 0) {
      if (this.#closed) return undefined;
      await new Promise<void>((resolve) => this.#wake = resolve);
      this.#wake = undefined;
    }
    return this.drop();
  }

  peek(): SourceBatch | undefined {
    return this.#batches[0];
  }

  drop(): SourceBatch | undefined {
    const batch = this.#batches.shift();
    this.#waiting.shift()?.();
    return batch;
  }

  close(): void {
    this.#closed = true;
    this.#batches.length = 0;
    this.#wake?.();
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
