// What a reflector knows between two inputs, and the request that follows from it.

import type { ObjectKind } from "../kube/objects.ts";
import type { BackoffTimes, Draws } from "./backoff.ts";
import type { Framing } from "./framing.ts";
import type { Listing } from "./listing.ts";
import type { Resource } from "./resources.ts";
import type { Problem, ProblemReason, ResourceStatus, SourceBatch } from "./source.ts";

/** The moment of an input. */
export interface Now {
  /** Milliseconds on a clock that never goes back. */
  readonly at: number;
  /** RFC 3339 with milliseconds, UTC. */
  readonly time: string;
}

/** The query of a request. */
export type Query = Readonly<Record<string, string>>;

/** What happened. */
export type ReflectorInput =
  /**
   * `known`: the newest version that is known already; what came after it is delivered first. `inParts`: the first list is
   * delivered as it comes in, and then as a whole.
   */
  | { readonly kind: "start"; readonly known?: string | undefined; readonly inParts?: boolean }
  /** The head of the answer to the last request. `shared`: whether its connection carries other requests too (HTTP/2). */
  | {
    readonly kind: "answer";
    readonly status: number;
    readonly contentType: string;
    readonly retryAfter: string;
    readonly shared: boolean;
  }
  /** Bytes of its body. The chunk may be overwritten once the step is done. */
  | { readonly kind: "bytes"; readonly chunk: Uint8Array }
  /** The end of its body. */
  | { readonly kind: "end" }
  /** No answer, or not the whole of it. */
  | { readonly kind: "failed"; readonly problem: Problem }
  /** What was delivered has been taken, after a wait. */
  | { readonly kind: "taken" }
  /** The deadline may have come. */
  | { readonly kind: "time" }
  /** The last list would remove much: it is to be confirmed by another. */
  | { readonly kind: "confirm"; readonly why: string };

/** What must be done, in this order. At most one request is open; a new one comes after the end of the last, or `cancel`. */
export type ReflectorEffect =
  | { readonly kind: "request"; readonly path: string; readonly query: Query }
  /** The open request is of no use any more; nothing of its answer is an input. */
  | { readonly kind: "cancel" }
  | { readonly kind: "deliver"; readonly batch: SourceBatch }
  /** A watch was cut that had worked, and is resumed. */
  | { readonly kind: "cut"; readonly cause: string };

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
  /** Rules wait this long for the first list of what they can be made without, where the server says no. */
  readonly awaitMilliseconds: number;
  /** As `awaitMilliseconds` from when all else is listed, whatever is wrong: longer than any pause between two requests. */
  readonly missMilliseconds: number;
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
  awaitMilliseconds: 10_000,
  missMilliseconds: 40_000,
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
  /** Since when the first lists of other resources wait for this one; undefined where they do not. */
  awaitedSince: number | undefined;
  /** Failures in a row. */
  failures: number;
  /** Watches in a row that were refused, or made no sense. */
  refused: number;
  /** Watches in a row that brought nothing. */
  silences: number;
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
  /** When the server wants to be asked for a list again at the earliest. */
  listNotBefore: number;
  /** Whether the last list was to confirm another. */
  lastConfirms: boolean;
  /** Lists in a row that were to confirm another and contradict it. */
  contradictions: number;
  /** When each of the last few problems was reported. */
  readonly reported: Map<string, number>;
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
    awaitedSince: undefined,
    failures: 0,
    refused: 0,
    silences: 0,
    shared: true,
    unconfirmed: undefined,
    listNotBefore: 0,
    lastConfirms: false,
    contradictions: 0,
    reported: new Map(),
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
