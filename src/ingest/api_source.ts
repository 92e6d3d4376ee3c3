// The cluster behind an API server as a source. One reflector follows each resource; their batches are merged into one
// stream. First come the lists, in parts as they are read. Only the last part says that nothing is missing, so that no Service
// is applied without its endpoints. Then come the changes; those that arrive while a batch is applied become one batch.

import type { ObjectKind } from "../kube/objects.ts";
import { turn, within } from "../pause.ts";
import type { ApiCalls } from "./api_client.ts";
import { ApiConnection } from "./connection.ts";
import { type Cuts, noteCut } from "./cuts.ts";
import { gatherLists, newGathering } from "./gathering.ts";
import { Inbox, type Turns } from "./inbox.ts";
import { LIVENESS_TIMES, type LivenessTimes } from "./liveness.ts";
import { ReflectorDriver } from "./reflector_driver.ts";
import { DEFAULT_TIMES, type ReflectorState, type ReflectorTimes } from "./reflector_state.ts";
import { type ApiResource, resources } from "./resources.ts";
import { type EventsBatch, isPart, type Source, type SourceBatch } from "./source.ts";

/** A source with all the optional functions: it has a connection, and it can list again. */
export type ApiSource = Required<Source>;

/** Times that a test shortens. The others are the defaults. */
export type ApiSourceTimes = Partial<ReflectorTimes & LivenessTimes>;

/**
 * The cluster behind `client`, as far as a proxy on `node` needs it. Without known versions all lists come before the first
 * change. With `once` the source ends after the lists. `serviceProxyName`: the proxy's name, where it has one.
 */
export function apiSource(
  client: ApiCalls,
  node: string,
  once: boolean,
  times: ApiSourceTimes = {},
  serviceProxyName?: string,
): ApiSource {
  const inbox = new Inbox();
  const connection = new ApiConnection(client, { ...LIVENESS_TIMES, ...times });
  const cuts: Cuts = { count: 0, reportedAt: undefined };
  const ports = {
    connection,
    deliver: (batch: SourceBatch) => inbox.put(redacted(batch, client)),
    cut: (kind: ObjectKind, cause: string) => {
      const line = noteCut(cuts, cause, performance.now());
      const problems = line === undefined ? [] : [client.redacted(`${kind}: ${line}`)];
      return line === undefined ? undefined : inbox.put({ kind: "events", events: [], problems });
    },
    reached: () => reflectors.forEach((reflector) => reflector.reached()),
  };
  const all = resources(node, serviceProxyName);
  const peers: ReflectorState[] = [];
  const reflectors: readonly ReflectorDriver[] = all.map((resource) =>
    new ReflectorDriver(resource, { ...DEFAULT_TIMES, ...times }, ports, peers)
  );
  const unconfirmed = new Set<ObjectKind>();
  return {
    description: `API server ${client.server}`,
    status: () =>
      reflectors.map((reflector) => reflector.status())
        .map((status) => ({ ...status, problem: client.redacted(status.problem) })),
    confirm: (kind, why) => {
      unconfirmed.add(kind);
      reflectors.find((reflector) => reflector.kind === kind)?.confirm(why);
    },
    async *batches(signal, knowing) {
      const known = knowing?.();
      const stop = new AbortController();
      const abort = () => stop.abort();
      signal.addEventListener("abort", abort);
      if (signal.aborted) abort();
      stop.signal.addEventListener("abort", () => inbox.close());
      const resumes = !once && known !== undefined && known.size > 0;
      const running = reflectors.map(async (reflector, i) => {
        if (resumes) return await reflector.run(stop.signal, { known: known.get(reflector.kind) });
        // A list follows the one before, so that its parts are folded while it is read, and all share one connection. A list
        // that is not answered soon does not hold up the others.
        const before = reflectors.slice(0, i).map(({ settled }) => settled);
        await within(Promise.all(before), i * TURN_MILLISECONDS, stop.signal);
        await reflector.run(stop.signal, { inParts: true });
      });
      let whole = false;
      try {
        const kinds = resumes ? [] : all;
        for await (const batch of gathered(inbox, kinds, { ...DEFAULT_TIMES, ...times }.missMilliseconds)) {
          if (batch.kind === "list" && batch.confirms) unconfirmed.delete(batch.kinds![0]!);
          yield batch;
          whole ||= batch.kind === "list" && !isPart(batch);
          if (once && whole && unconfirmed.size === 0) return;
        }
      } finally {
        signal.removeEventListener("abort", abort);
        stop.abort();
        await Promise.all(running);
        connection[Symbol.dispose]();
      }
    },
  };
}

/** How long the first list of a resource waits for that of the one before. */
const TURN_MILLISECONDS = 1000;

/** `batch` without our credential in the texts of its problems. */
function redacted(batch: SourceBatch, client: ApiCalls): SourceBatch {
  if (batch.problems.length === 0) return batch;
  return { ...batch, problems: batch.problems.map((problem) => client.redacted(problem)) };
}

/**
 * The batches in order. Once all `awaited` resources are listed, event batches that wait together are merged. `milliseconds`
 * after the lists were asked for, and once all resources that rules need are listed, an empty list stands for each other one.
 */
async function* gathered(
  inbox: Inbox,
  awaited: readonly ApiResource[],
  milliseconds: number,
): AsyncGenerator<SourceBatch> {
  const gathering = newGathering(awaited);
  const missing = () => awaited.filter(({ kind }) => !gathering.listed.has(kind));
  const end = performance.now() + milliseconds;
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    for (let batch; (batch = await inbox.take()) !== undefined;) {
      const merged = batch.kind === "events" && gathering.missing.length === 0
        ? withNeighbours(batch, inbox)
        : batch;
      const begun = performance.now();
      // Not yield*: in an async generator that makes an async iterator of the list, with promises of its own.
      for (const one of gatherLists(gathering, merged)) yield one;
      if (performance.now() - begun >= BUSY_MILLISECONDS) {
        await inbox.readArrived(BUSY_MILLISECONDS, REAL_TURNS);
      }
      if (missing().length === 0 || missing().some(({ needed }) => needed)) continue;
      timer ??= setTimeout(
        () => missing().forEach(({ kind }) => void inbox.put(missedList(kind))),
        Math.max(0, end - performance.now()),
      );
    }
  } finally {
    clearTimeout(timer);
  }
}

/**
 * After a batch that took so long, what has arrived meanwhile is read, for as long at most, before the next one is applied. A
 * batch has what one read brought, so without this the changes of a flood would be applied a few at a time.
 */
const BUSY_MILLISECONDS = 5;

const REAL_TURNS: Turns = {
  now: () => performance.now(),
  turn,
};

/** An empty list in place of a first list that has not come. It is incomplete, so it deletes nothing. */
function missedList(kind: ObjectKind): SourceBatch {
  const problems = [`${kind}: not listed yet; going on without`];
  const time = new Date().toISOString();
  return { kind: "list", kinds: [kind], objects: [], complete: false, confirms: false, time, problems };
}

/** `first` and all event batches that wait after it, as one batch. */
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
