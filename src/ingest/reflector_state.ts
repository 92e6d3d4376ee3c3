// What a reflector knows between two inputs, and the request that follows from it.

import type { ObjectKind } from "../kube/objects.ts";
import type { BackoffTimes, Draws } from "./backoff.ts";
import type { Framing } from "./framing.ts";
import type { Listing } from "./listing.ts";
import type { Resource } from "./resources.ts";
import type { Problem, ProblemReason, ResourceStatus } from "./source.ts";

/** The moment of an input. */
export interface Now {
  /** Milliseconds on a clock that never goes back. */
  readonly at: number;
  /** RFC 3339 with milliseconds, UTC. */
  readonly time: string;
}

/** The query of a request. */
export type Query = Readonly<Record<string, string>>;

/** Times in milliseconds, which tests shorten. */
export interface ReflectorTimes extends BackoffTimes {
  /** Without a byte for this long a watch is given up. A server sends a bookmark about once a minute. */
  readonly idleMilliseconds: number;
  /** Without an event for this long, what was missed while we were away has been delivered. */
  readonly catchUpMilliseconds: number;
  /** A stream that is not answered for this long is given up, and a list in whose middle nothing comes. */
  readonly answerMilliseconds: number;
  /** As `answerMilliseconds` for a list, which a server may work on for its `--request-timeout` of 60 s. */
  readonly listMilliseconds: number;
  /** A streamed list that neither grows nor ends for this long is asked for in pages (client-go 0.37 does so too). */
  readonly markMilliseconds: number;
  /** A watch that brings nothing and ends sooner is a failure. */
  readonly shortMilliseconds: number;
  /** A watch that has a connection of its own (HTTP/1.1) is made anew after this long. */
  readonly refreshMilliseconds: number;
  /** A problem that goes on is reported again after this long. */
  readonly repeatMilliseconds: number;
  /** A list that was not confirmed is reported again after this long. */
  readonly reminderMilliseconds: number;
}

export const DEFAULT_TIMES: ReflectorTimes = {
  idleMilliseconds: 150_000,
  catchUpMilliseconds: 250,
  backoffMilliseconds: 800,
  backoffMaxMilliseconds: 30_000,
  answerMilliseconds: 30_000,
  listMilliseconds: 70_000,
  markMilliseconds: 10_000,
  shortMilliseconds: 1000,
  refreshMilliseconds: 30_000,
  repeatMilliseconds: 60_000,
  reminderMilliseconds: 180_000,
};

/** How a resource is listed: streamed with its watch, in pages, or in one page without a limit. */
export type ListMethod = "stream" | "pages" | "whole";

/** One request and its answer, as far as it has come. */
export interface Exchange {
  readonly kind: "exchange";
  /** A list that is streamed becomes a watch when it is whole. */
  ask: "catch-up" | "stream" | "page" | "watch";
  /** Whether the list is to confirm another. */
  readonly confirms: boolean;
  /** Objects of a page; 0: all. */
  readonly limit: number;
  /** The page asked for; "" for the first. */
  readonly token: string;
  readonly since: number;
  /** When something last came. */
  quietSince: number;
  /** When a streamed list last grew. */
  grownAt: number;
  /** When a watch is made anew though nothing is wrong. */
  endsAt: number;
  head: { readonly status: number; readonly retryAfter: number; readonly at: number } | undefined;
  framing: Framing | undefined;
  listing: Listing | undefined;
  /** Version of the first page. */
  resourceVersion: string;
  /** Pages in a row that brought nothing new. */
  idlePages: number;
  lines: number;
  /** Whether the watch has a version to go on from. */
  versioned: boolean;
  /** Whether it got anywhere. */
  advanced: boolean;
}

/** Changed in place by the reflector's step alone. */
export interface ReflectorState extends Draws {
  readonly resource: Resource;
  readonly times: ReflectorTimes;
  phase:
    | { readonly kind: "unstarted" }
    | { readonly kind: "resting"; readonly until: number }
    | Exchange;
  /** The newest version known from before, until what came after it was asked for. */
  known: string | undefined;
  /** Where the next watch begins: "" where the version is not known; undefined when a list is needed. */
  version: string | undefined;
  /** Why the resource is done without; undefined while it is not. */
  missing: ProblemReason | undefined;
  method: ListMethod;
  inParts: boolean;
  /** Failures in a row. */
  failures: number;
  /** Watches in a row that made no sense. */
  invalid: number;
  /** Whether requests share a connection, as far as is known. */
  shared: boolean;
  /** A list that would remove much, until another confirms it: when to ask for that, and how. */
  unconfirmed: {
    readonly why: string;
    readonly due: number;
    readonly failures: number;
    readonly reportedAt: number;
    /** Whether it is asked for in pages; absent: in another way than the first was. */
    readonly paged?: boolean;
  } | undefined;
  /** What was last reported. */
  reported: { readonly text: string; readonly at: number };
  problem: Problem | undefined;
  heardAt: number;
  listed: boolean;
  lists: number;
  /** Whether a list or a problem was delivered. */
  settled: boolean;
}

/** A reflector that has not started; `seed` decides its jitter. */
export function newReflector(resource: Resource, times: ReflectorTimes, seed: number): ReflectorState {
  return {
    resource,
    times,
    seed,
    phase: { kind: "unstarted" },
    known: undefined,
    version: undefined,
    missing: undefined,
    method: "stream",
    inParts: false,
    failures: 0,
    invalid: 0,
    shared: true,
    unconfirmed: undefined,
    reported: { text: "", at: 0 },
    problem: { reason: "starting", text: "not connected yet" },
    heardAt: 0,
    listed: false,
    lists: 0,
    settled: false,
  };
}

/** What the reflector is doing, for health and metrics. */
export function statusOf(state: ReflectorState): ResourceStatus {
  const { resource: { kind }, heardAt, listed, lists, unconfirmed } = state;
  const problem = state.problem ?? (unconfirmed && { reason: "unconfirmed", text: unconfirmed.why } as const);
  const text = problem === undefined || problem.reason === "starting"
    ? problem?.text ?? ""
    : `${kind as ObjectKind}: ${problem.text}`;
  return { kind, heardAt, listed, problem: text, reason: problem?.reason ?? "", lists };
}

/** Objects of a page. */
const PAGE_OBJECTS = 500;
/** Pages of a list that confirms another one are of another size than those of the first. */
const CONFIRMING_PAGE_OBJECTS = 400;

/** The next request: what was missed, a list, or a watch. */
export function newExchange(state: ReflectorState, { at }: Now): Exchange {
  const { known, version, unconfirmed, method } = state;
  const confirms = known === undefined && unconfirmed !== undefined && unconfirmed.due <= at;
  const lists = version === undefined || confirms;
  const paged = confirms ? unconfirmed.paged ?? method === "whole" : method === "pages";
  const pageSize = confirms ? CONFIRMING_PAGE_OBJECTS : PAGE_OBJECTS;
  const listing = method === "stream" && !confirms ? "stream" : "page";
  return {
    kind: "exchange",
    ask: known !== undefined ? "catch-up" : lists ? listing : "watch",
    confirms,
    limit: paged ? pageSize : 0,
    token: "",
    since: at,
    quietSince: at,
    grownAt: Infinity,
    endsAt: Infinity,
    head: undefined,
    framing: undefined,
    listing: undefined,
    resourceVersion: "",
    idlePages: 0,
    lines: 0,
    versioned: listing === "stream" || version !== "",
    advanced: false,
  };
}

/** The server ends a watch after a time drawn from here, in seconds, so that watches are spread over its replicas. */
const WATCH_SECONDS = [300, 600] as const;
/** A watch without a version, after which a list is needed, is shorter. */
const UNVERSIONED_SECONDS = [60, 120] as const;
/** A busy resource is listed after this long at the latest, though it is never silent. */
const CATCH_UP_SECONDS = 5;

/** The query of `exchange`; `drawn` (0 to 1) spreads what is to be spread. */
export function queryOf(state: ReflectorState, exchange: Exchange, drawn: number): Query {
  const { resource: { selectors }, known, version } = state;
  const { ask, limit, token } = exchange;
  if (ask === "page") {
    return {
      ...selectors,
      ...(limit === 0 ? {} : { limit: String(limit) }),
      ...(token === "" ? {} : { continue: token }),
    };
  }
  const watch = { ...selectors, watch: "1", allowWatchBookmarks: "true" };
  if (ask === "catch-up") {
    return { ...watch, resourceVersion: known!, timeoutSeconds: String(CATCH_UP_SECONDS) };
  }
  if (ask === "stream") {
    const timeoutSeconds = watchSeconds(state, WATCH_SECONDS, drawn);
    return { ...watch, timeoutSeconds, sendInitialEvents: "true", resourceVersionMatch: "NotOlderThan" };
  }
  if (version === "") return { ...watch, timeoutSeconds: watchSeconds(state, UNVERSIONED_SECONDS, drawn) };
  return { ...watch, timeoutSeconds: watchSeconds(state, WATCH_SECONDS, drawn), resourceVersion: version! };
}

function watchSeconds(
  { shared, times }: ReflectorState,
  [least, most]: readonly [number, number],
  drawn: number,
): string {
  // A server that ends the watch itself leaves a connection that can be used again.
  const seconds = shared
    ? Math.round(least + drawn * (most - least))
    : Math.floor(times.refreshMilliseconds / 1000 * 0.8);
  return String(Math.max(1, seconds));
}
