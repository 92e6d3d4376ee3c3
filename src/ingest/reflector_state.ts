// The state of a reflector between two inputs, and its inputs and effects.

import type { BackoffTimes, Draws } from "./backoff.ts";
import type { Framing } from "./body.ts";
import type { Listing } from "./listing.ts";
import type { ApiResource } from "./resources.ts";
import type { ProblemReason, ResourceStatus, SourceBatch, WatchProblem } from "./source.ts";

/** The time of an input, by two clocks: one for deadlines and one for records. */
export interface Now {
  /** Milliseconds of a clock that never goes back. */
  readonly at: number;
  /** Wall clock: RFC 3339 with milliseconds, UTC. */
  readonly time: string;
}

/** The query of a request. */
export type Query = Readonly<Record<string, string>>;

/** How the body of an answer is encoded. */
export type Encoding = "protobuf" | "json";

/** What happened. */
export type ReflectorInput =
  /**
   * Start. `known` is the newest version that the caller has: the changes after it are delivered first. With `inParts` the
   * first list is delivered in parts while it arrives, and then as a whole.
   */
  | { readonly kind: "start"; readonly known?: string | undefined; readonly inParts?: boolean }
  /** The head of an answer. `shared`: whether its connection can carry other requests at the same time (HTTP/2). */
  | {
    readonly kind: "answer";
    readonly status: number;
    readonly contentType: string;
    readonly retryAfter: string;
    readonly shared: boolean;
  }
  /** Bytes of the body. The caller may overwrite the chunk afterwards. */
  | { readonly kind: "bytes"; readonly chunk: Uint8Array }
  /** The end of the body. */
  | { readonly kind: "end" }
  /** There is no answer, or the answer broke off. */
  | { readonly kind: "failed"; readonly problem: WatchProblem }
  /** A batch that had to wait was taken. The silence of the server during that wait does not count. */
  | { readonly kind: "taken" }
  /** The deadline may have passed. `unsent`: the open request was not sent yet, because its credentials are being made. */
  | { readonly kind: "time"; readonly unsent?: boolean }
  /** Another reflector of the server has an answer. */
  | { readonly kind: "reached" }
  /** The last list would remove much, and must be confirmed by a second one. */
  | { readonly kind: "confirm"; readonly why: string };

/** What the driver must do, in this order. At most one request is open: the next one follows its end or a `cancel`. */
export type ReflectorEffect =
  /** Send a request. A server that does not have the encoding may answer in JSON. */
  | { readonly kind: "request"; readonly path: string; readonly query: Query; readonly encoding: Encoding }
  /** Abort the open request. The rest of its answer is no input. */
  | { readonly kind: "cancel" }
  /** Pass a batch on. */
  | { readonly kind: "deliver"; readonly batch: SourceBatch }
  /** Note that a watch was cut, after it had worked, and is resumed. */
  | { readonly kind: "cut"; readonly cause: string }
  /** Report to the reflectors that wait for the server that it answers. */
  | { readonly kind: "reached" };

/** Times in milliseconds; tests use shorter ones. */
export interface ReflectorTimes extends BackoffTimes {
  /** A watch fails after this long without a line. A server sends a bookmark about once a minute. */
  readonly idleMilliseconds: number;
  /** A catch-up is complete after this long without an event. */
  readonly catchUpMilliseconds: number;
  /** A stream fails after this long without an answer, and a page after this long without a byte. */
  readonly answerMilliseconds: number;
  /** A page fails when it is not whole after this long. A server ends a request after its `--request-timeout` of 60 s. */
  readonly listMilliseconds: number;
  /** A streamed list that neither grows nor ends for this long is listed in pages instead, as in client-go 0.37. */
  readonly markMilliseconds: number;
  /** A streamed list that still grows after this long is listed in pages instead. */
  readonly streamMilliseconds: number;
  /** A list in pages fails after this long: etcd is compacted every five minutes, which ends its continue tokens. */
  readonly pagesMilliseconds: number;
  /** A catch-up ends after this long, whatever comes. */
  readonly catchUpMaxMilliseconds: number;
  /** A watch that ends sooner without a line is a failure. */
  readonly shortMilliseconds: number;
  /** A watch on a connection of its own (HTTP/1.1) is renewed after this long. */
  readonly refreshMilliseconds: number;
  /** A problem that persists is reported again after this long. */
  readonly repeatMilliseconds: number;
  /** A list that was not confirmed is reported again after this long. */
  readonly reminderMilliseconds: number;
  /** Rules wait this long for the first list of a resource that they do not need and that the server refuses to show. */
  readonly awaitMilliseconds: number;
  /**
   * Once all needed resources are listed, rules wait for the others until this long after all were asked for, whatever the
   * problem is. It is longer than any pause between two requests, so there is at least one more attempt.
   */
  readonly missMilliseconds: number;
}

/** The times of the real program. */
export const DEFAULT_TIMES: ReflectorTimes = {
  idleMilliseconds: 150_000,
  catchUpMilliseconds: 250,
  backoffMilliseconds: 800,
  backoffMaxMilliseconds: 30_000,
  answerMilliseconds: 30_000,
  listMilliseconds: 70_000,
  markMilliseconds: 10_000,
  streamMilliseconds: 120_000,
  pagesMilliseconds: 600_000,
  catchUpMaxMilliseconds: 10_000,
  shortMilliseconds: 1000,
  refreshMilliseconds: 30_000,
  repeatMilliseconds: 60_000,
  reminderMilliseconds: 180_000,
  awaitMilliseconds: 10_000,
  missMilliseconds: 40_000,
};

/**
 * How a resource is listed: in one page, which is compressed; streamed with its watch; in pages; or, where pages do not fit
 * together, in one page again. A source that follows an API server begins with `page`, and goes on to the next where one fails.
 */
export type ListMethod = "page" | "stream" | "pages" | "whole";

/** One request, and its answer as far as it was received. */
export interface Exchange {
  readonly kind: "exchange";
  /** What is asked for. A streamed list becomes a watch when the list is whole. */
  ask: "catch-up" | "stream" | "page" | "watch";
  /** Whether it is a second list, which must confirm the first one. */
  readonly confirms: boolean;
  /** Most objects of a page; 0: no limit. */
  readonly limit: number;
  /** Continue token of the page; "" for the first one. */
  readonly token: string;
  /** When the request was sent, and the first one of a list in pages. Waits for our own loop do not count. */
  since: number;
  listSince: number;
  /** When the answer last made progress: with a byte of a page, or a whole line of a stream. */
  quietSince: number;
  /** When a streamed list last grew. */
  grownAt: number;
  /** When a watch is renewed though it works. */
  endsAt: number;
  /** The head of the answer, and when it was received. */
  head: { readonly status: number; readonly retryAfter: number; readonly at: number } | undefined;
  framing: Framing | undefined;
  listing: Listing | undefined;
  /** Version of the first page. */
  resourceVersion: string;
  /** How many objects the pages before have. */
  readonly objectsBefore: number;
  /** Pages in a row without a new object. */
  idlePages: number;
  /** Lines received so far. */
  lines: number;
  /** Bytes of the list received so far. */
  bytes: number;
  /** Whether there is a version at which the next watch can begin. */
  versioned: boolean;
  /** Whether a watch received a new version. */
  advanced: boolean;
}

/** Only stepReflector changes it. */
export interface ReflectorState extends Draws {
  readonly resource: ApiResource;
  readonly times: ReflectorTimes;
  /** All reflectors of the server, this one too: their answers together have a bound. */
  readonly peers: readonly ReflectorState[];
  phase:
    | { readonly kind: "unstarted" }
    | { readonly kind: "resting"; readonly until: number }
    | Exchange;
  /** The newest version that the caller had at the start, until the changes after it were asked for. */
  known: string | undefined;
  /** Where the next watch begins: "" where there is no version; undefined when a list is needed. */
  version: string | undefined;
  /** Why the proxy goes on without the resource; undefined while it is followed. */
  missing: ProblemReason | undefined;
  /** How the next list is asked for. */
  method: ListMethod;
  /** Whether lists are in one page again once one was delivered: the server was not reached. */
  pageAgain: boolean;
  /** How answers are asked for. */
  encoding: Encoding;
  /** Whether to deliver the first list in parts. */
  inParts: boolean;
  /** Since when the first lists of other resources wait for this one; undefined when they do not wait. */
  awaitedSince: number | undefined;
  /** Failures in a row that the server answered, or that broke off. Those without an answer in between do not count. */
  failures: number;
  /** Requests in a row that the server has not answered at all. */
  unanswered: number;
  /** Whether the last of them was sent early because another resource had an answer. */
  woken: boolean;
  /** Watches in a row that were rejected or invalid. */
  refused: number;
  /** Watches in a row whose version had expired. Other failures in between do not end the row. */
  expired: number;
  /** Watches in a row without a line. */
  silences: number;
  /** Watches in a row that had a new version and ended at once. */
  brief: number;
  /** Whether the last answer came on a shared connection (HTTP/2). */
  shared: boolean;
  /** Set while a list that would remove much is not confirmed: why, and when to ask for the second list. */
  unconfirmed: {
    readonly why: string;
    readonly due: number;
    readonly failures: number;
    readonly reportedAt: number;
    /** Whether to ask for it in pages; absent: in another way than the first list. */
    readonly paged?: boolean;
  } | undefined;
  /** The earliest time for the next list, as the server asked. */
  listNotBefore: number;
  /** Whether the last list was a second one, which had to confirm another. */
  lastConfirms: boolean;
  /** Second lists in a row that contradicted the list before. */
  contradictions: number;
  /** Lists in a row that had objects without a name. */
  unnamedLists: number;
  /** When each of the last problems was reported, by text. */
  readonly reported: Map<string, number>;
  /** What keeps the resource from being watched; undefined while it is watched. */
  problem: WatchProblem | undefined;
  /** When the server last sent a byte, by the clock of {@link Now.at}; undefined before the first. */
  receivedAt: number | undefined;
  /** Whether it was listed at least once. */
  listed: boolean;
  /** How many lists were delivered. */
  lists: number;
  /** Whether a list or a problem was delivered. */
  settled: boolean;
}

/** A reflector before its start, which is added to its `peers`. `seed` determines its random numbers. */
export function newReflector(
  resource: ApiResource,
  times: ReflectorTimes,
  seed: number,
  peers: ReflectorState[] = [],
): ReflectorState {
  const state: ReflectorState = {
    resource,
    times,
    seed,
    peers,
    phase: { kind: "unstarted" },
    known: undefined,
    version: undefined,
    missing: undefined,
    method: "stream",
    pageAgain: false,
    encoding: "protobuf",
    inParts: false,
    awaitedSince: undefined,
    failures: 0,
    unanswered: 0,
    woken: false,
    refused: 0,
    silences: 0,
    expired: 0,
    brief: 0,
    shared: true,
    unconfirmed: undefined,
    listNotBefore: 0,
    lastConfirms: false,
    contradictions: 0,
    unnamedLists: 0,
    reported: new Map(),
    problem: { reason: "starting", text: "not connected yet" },
    receivedAt: undefined,
    listed: false,
    lists: 0,
    settled: false,
  };
  peers.push(state);
  return state;
}

/** How the resource is followed, for health and metrics. `epoch`: when the clock of {@link Now.at} was 0. */
export function statusOf(state: ReflectorState, epoch = 0): ResourceStatus {
  const { resource: { kind }, listed, lists, unconfirmed } = state;
  const receivedAt = state.receivedAt === undefined ? 0 : Math.round(epoch + state.receivedAt);
  const problem = state.problem ?? (unconfirmed && { reason: "unconfirmed", text: unconfirmed.why } as const);
  const text = problem === undefined || problem.reason === "starting"
    ? problem?.text ?? ""
    : `${kind}: ${problem.text}`;
  return { kind, receivedAt, listed, problem: text, reason: problem?.reason ?? "", lists };
}
