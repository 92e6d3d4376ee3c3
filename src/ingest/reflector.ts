// One resource followed: listed (streamed with the watch where the server can, by pages elsewhere), then watched from
// there; resumed after a break, listed again when the server has forgotten where we were. Who knows it already, from a
// ledger, is first sent what came since. Pure: step(state, input, now) -> effects; the driver makes the requests, and asks
// `deadline` when time itself is the next input.

import { unreachable } from "../invariant.ts";
import { LIST_IDLE_PAGES_MAX, RETRY_AFTER_MILLISECONDS_MAX } from "../limits.ts";
import { decodeObject } from "../kube/decode.ts";
import { objectKey, type WatchEvent } from "../kube/objects.ts";
import { type Line, lineOf, pageOf } from "./answer.ts";
import { ApiFailure, httpFailure, invalid, retryAfterMilliseconds } from "./api_failure.ts";
import { backoff, draw } from "./backoff.ts";
import { ErrorText, framingFor } from "./framing.ts";
import { Listing, PART_OBJECTS } from "./listing.ts";
import {
  type Exchange,
  newExchange,
  type Now,
  type Query,
  queryOf,
  type ReflectorState,
} from "./reflector_state.ts";
import type { Problem, SourceBatch } from "./source.ts";

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

/** Takes one input and returns what must be done. Throws only InvariantError. */
export function step(state: ReflectorState, input: ReflectorInput, now: Now): ReflectorEffect[] {
  switch (input.kind) {
    case "start":
      state.known = input.known;
      state.inParts = input.inParts ?? false;
      return begin(state, now);
    case "confirm":
      state.unconfirmed = { why: input.why, due: now.at, failures: 0, reportedAt: now.at };
      return look(state, now);
    case "time":
      return look(state, now);
    case "taken":
      if (state.phase.kind === "exchange") state.phase.quietSince = state.phase.grownAt = now.at;
      return [];
    case "answer":
    case "bytes":
    case "end":
    case "failed": {
      if (state.phase.kind !== "exchange") return [];
      return answered(state, state.phase, input, now);
    }
    default:
      return unreachable(input);
  }
}

/** When, by the clock of {@link Now.at}, the next input is due if nothing else comes before; undefined before the start. */
export function deadline(state: ReflectorState): number | undefined {
  const { phase, times, unconfirmed } = state;
  if (phase.kind === "unstarted") return undefined;
  if (phase.kind === "resting") return phase.until;
  const { ask, quietSince, endsAt } = phase;
  const silent = quietSince + silence(state, phase);
  if (ask === "stream") return Math.min(silent, phase.grownAt + times.markMilliseconds);
  return ask === "watch" ? Math.min(silent, endsAt, unconfirmed?.due ?? Infinity) : silent;
}

/** How long nothing may come. */
function silence({ times }: ReflectorState, { ask, head }: Exchange): number {
  const { idleMilliseconds: idle, catchUpMilliseconds, answerMilliseconds, listMilliseconds } = times;
  if (head === undefined) return Math.min(idle, ask === "page" ? listMilliseconds : answerMilliseconds);
  if (ask === "catch-up") return catchUpMilliseconds;
  return ask === "page" ? Math.min(idle, answerMilliseconds) : idle;
}

/** Does what is due. */
function look(state: ReflectorState, now: Now): ReflectorEffect[] {
  const { phase, times } = state;
  const due = deadline(state);
  if (due === undefined || now.at < due) return [];
  if (phase.kind !== "exchange") return begin(state, now);
  const waited = silence(state, phase);
  if (now.at >= phase.quietSince + waited) {
    return fail(state, phase, new ApiFailure("silent", `nothing came for ${waited / 1000} s`), now);
  }
  if (phase.ask === "stream") {
    state.method = "pages";
    const text = `no end of the streamed list within ${times.markMilliseconds / 1000} s; listing in pages`;
    return [{ kind: "cancel" }, report(state, text), ...begin(state, now)];
  }
  // A watch that has its time, or a list that is to be confirmed.
  state.failures = 0;
  return [{ kind: "cancel" }, ...begin(state, now)];
}

/** Makes the next request: what was missed, a list, or a watch. */
function begin(state: ReflectorState, now: Now): ReflectorEffect[] {
  const exchange = newExchange(state, now);
  state.phase = exchange;
  return [request(state, exchange)];
}

function request(state: ReflectorState, exchange: Exchange): ReflectorEffect {
  return { kind: "request", path: state.resource.path, query: queryOf(state, exchange, draw(state)) };
}

type AnswerInput = Extract<ReflectorInput, { kind: "answer" | "bytes" | "end" | "failed" }>;

function answered(
  state: ReflectorState,
  exchange: Exchange,
  input: AnswerInput,
  now: Now,
): ReflectorEffect[] {
  if (input.kind === "failed") return fail(state, exchange, input.problem, now);
  state.heardAt = Date.parse(now.time);
  exchange.quietSince = now.at;
  if (input.kind === "answer") return noteHead(state, exchange, input, now);
  const done: ReflectorEffect[] = [];
  try {
    const ends = input.kind === "end";
    const values = ends ? exchange.framing!.end() : exchange.framing!.push(input.chunk);
    if (exchange.head?.status !== 200) return ends ? refuse(state, exchange, values[0] as string, now) : [];
    if (exchange.ask === "page") return values.length === 0 ? [] : takePage(state, exchange, values[0], now);
    takeLines(state, exchange, values, now, done);
    return ends ? [...done, ...endStream(state, exchange, now)] : done;
  } catch (error) {
    if (!(error instanceof ApiFailure)) throw error;
    return [...done, ...fail(state, exchange, error, now)];
  }
}

function noteHead(
  state: ReflectorState,
  exchange: Exchange,
  { status, contentType, retryAfter, shared }: ReflectorInput & { kind: "answer" },
  now: Now,
): ReflectorEffect[] {
  const { resource, times } = state;
  state.shared = shared;
  exchange.head = { status, retryAfter: retryAfterMilliseconds(retryAfter, now.time), at: now.at };
  exchange.framing = status === 200 ? framingFor(contentType, exchange.ask !== "page") : new ErrorText();
  exchange.grownAt = now.at;
  if (exchange.ask === "stream") exchange.listing = new Listing(resource);
  if (exchange.ask === "watch" && status === 200) state.problem = undefined;
  // A connection of its own says nothing when it dies: its watch is made anew soon enough.
  if (!shared) exchange.endsAt = now.at + times.refreshMilliseconds;
  return [];
}

function refuse(state: ReflectorState, exchange: Exchange, body: string, now: Now): ReflectorEffect[] {
  const { status, retryAfter } = exchange.head!;
  return fail(state, exchange, httpFailure(state.resource.path, status, body, retryAfter), now);
}

function takePage(state: ReflectorState, exchange: Exchange, value: unknown, now: Now): ReflectorEffect[] {
  const { items, resourceVersion, token } = pageOf(value, state.resource);
  if (exchange.listing === undefined) {
    exchange.listing = new Listing(state.resource);
    exchange.resourceVersion = resourceVersion;
  } else if (exchange.resourceVersion !== resourceVersion) {
    throw invalid(`a page of version ${resourceVersion} in a list of version ${exchange.resourceVersion}`);
  }
  const { listing } = exchange;
  const before = listing.size;
  const done: ReflectorEffect[] = [];
  for (const item of items) {
    listing.add(item);
    deliverPart(state, exchange, now, done);
  }
  if (token === "") {
    return [...done, deliverList(state, exchange, resourceVersion, now), ...begin(state, now)];
  }
  exchange.idlePages = listing.size > before ? 0 : exchange.idlePages + 1;
  if (token === exchange.token || exchange.idlePages > LIST_IDLE_PAGES_MAX) {
    throw invalid(`pages without end: ${listing.size} objects, and always one page more`);
  }
  const next: Exchange = { ...exchange, token, since: now.at, quietSince: now.at, head: undefined };
  state.phase = next;
  return [...done, request(state, next)];
}

function deliverPart(state: ReflectorState, { listing }: Exchange, now: Now, done: ReflectorEffect[]): void {
  if (!state.inParts || listing!.undelivered < PART_OBJECTS) return;
  done.push({ kind: "deliver", batch: listing!.part(now.time) });
}

function deliverList(
  state: ReflectorState,
  { listing, confirms }: Exchange,
  version: string,
  now: Now,
): ReflectorEffect {
  if (confirms) state.unconfirmed = undefined;
  state.version = version;
  state.inParts = false;
  state.listed = state.settled = true;
  state.lists++;
  state.problem = state.missing = undefined;
  return { kind: "deliver", batch: listing!.batch(now.time, version, confirms) };
}

/** Events that one chunk brings, gathered into one batch. */
interface Gathered {
  readonly events: WatchEvent[];
  readonly problems: string[];
}

/** Takes lines of a watch. While it streams a list, they are a list until the server says that it is whole. */
function takeLines(
  state: ReflectorState,
  exchange: Exchange,
  values: readonly unknown[],
  now: Now,
  done: ReflectorEffect[],
): void {
  const gathered: Gathered = { events: [], problems: [] };
  try {
    for (const value of values) {
      const line = lineOf(value, state.resource);
      exchange.lines++;
      if (exchange.ask === "stream") takeListed(state, exchange, line, now, done);
      else takeChange(state, exchange, line, now, gathered);
    }
  } finally {
    if (gathered.events.length > 0 || gathered.problems.length > 0) {
      done.push({ kind: "deliver", batch: { kind: "events", ...gathered } });
    }
  }
}

function takeListed(
  state: ReflectorState,
  exchange: Exchange,
  line: Line,
  now: Now,
  done: ReflectorEffect[],
): void {
  const listing = exchange.listing!;
  const before = listing.size;
  if (line.kind === "object") listing.add(line.object);
  else if (line.kind === "deleted") listing.delete(line.key);
  else if (line.endsList) {
    done.push(deliverList(state, exchange, line.resourceVersion, now));
    exchange.ask = "watch";
    exchange.advanced = true;
    exchange.listing = undefined;
    return;
  }
  if (listing.size > before) exchange.grownAt = now.at;
  deliverPart(state, exchange, now, done);
}

function takeChange(
  state: ReflectorState,
  exchange: Exchange,
  line: Line,
  now: Now,
  { events, problems }: Gathered,
): void {
  const { resourceVersion } = line;
  const { time } = now;
  if (line.kind === "deleted") events.push({ key: line.key, value: null, resourceVersion, time });
  if (line.kind === "object") {
    const decoded = decodeObject(line.object);
    if (decoded.ok) {
      events.push({ key: objectKey(decoded.object), value: decoded.object, resourceVersion, time });
      if (decoded.warnings.length > 0) problems.push(...decoded.warnings);
    } else problems.push(`${decoded.problem}; it stays as it was`);
  }
  // Without a version to begin at, a watch first sends all objects, in any order: only bookmarks say where it is.
  const counts = exchange.versioned || line.kind === "bookmark";
  if (resourceVersion !== "" && counts && exchange.ask === "watch") {
    state.version = resourceVersion;
    exchange.versioned = exchange.advanced = true;
  }
}

/** The server ended a stream: most often a watch whose time was over. */
function endStream(state: ReflectorState, exchange: Exchange, now: Now): ReflectorEffect[] {
  if (exchange.ask === "stream") {
    const empty = exchange.lines === 0;
    throw new ApiFailure(
      empty ? "invalid" : "cut",
      empty ? "an empty answer where a list was expected" : "the stream ended before the list was whole",
    );
  }
  if (exchange.ask === "catch-up") return fail(state, exchange, new ApiFailure("cut", ""), now);
  // Asking again at once would keep asking a server that ends every watch at once.
  const isShort = now.at - exchange.head!.at < state.times.shortMilliseconds;
  if (isShort && !exchange.advanced) throw new ApiFailure("cut", "the watch ended at once");
  state.failures = 0;
  forgetUnversioned(state, exchange);
  return isShort ? rest(state, backoff(0, state.times, state), now) : begin(state, now);
}

/** What happened after a watch without a version nobody can say: a list can. */
function forgetUnversioned(state: ReflectorState, { ask, versioned }: Exchange): void {
  if (ask === "watch" && !versioned) state.version = undefined;
}

function rest(state: ReflectorState, milliseconds: number, now: Now): ReflectorEffect[] {
  state.phase = { kind: "resting", until: now.at + milliseconds };
  return [];
}

/** Decides what becomes of a request that failed. */
function fail(state: ReflectorState, exchange: Exchange, failure: Problem, now: Now): ReflectorEffect[] {
  const { ask, confirms } = exchange;
  const cancel: ReflectorEffect = { kind: "cancel" };
  if (ask === "catch-up") {
    // Silence is the end of what was missed; what cannot be read now comes with the list.
    state.known = undefined;
    return [cancel, ...begin(state, now)];
  }
  if (confirms) return [cancel, ...failConfirmation(state, exchange, failure, now)];
  if (ask === "watch") return [cancel, ...failWatch(state, exchange, failure, now)];
  if (isMissing(state, exchange, failure)) return [cancel, ...goWithout(state, failure, now)];
  return [cancel, ...failList(state, exchange, failure, now)];
}

function failWatch(
  state: ReflectorState,
  exchange: Exchange,
  failure: Problem,
  now: Now,
): ReflectorEffect[] {
  const { times } = state;
  const worked = exchange.head !== undefined && now.at - exchange.head.at >= times.shortMilliseconds;
  if (worked) state.failures = 0;
  state.invalid = failure.reason === "invalid" ? state.invalid + 1 : 0;
  forgetUnversioned(state, exchange);
  if (failure.reason === "expired") {
    // The server has forgotten what came after our version: list again, the first time at once.
    state.version = undefined;
    return state.failures++ === 0 ? begin(state, now) : rest(state, pause(state, failure), now);
  }
  // Lines that make no sense may stand in the way of those behind them: a list goes around them.
  if (state.invalid >= INVALID_WATCHES_MAX) state.version = undefined;
  if (failure.reason === "cut" && worked) {
    rest(state, backoff(0, times, state), now);
    return [{ kind: "cut", cause: failure.text }];
  }
  return [...noteProblem(state, failure, now), ...rest(state, pause(state, failure, state.failures++), now)];
}

/** Watches in a row that make no sense before the resource is listed again. */
const INVALID_WATCHES_MAX = 3;

/** Ways to list that are tried at once where the last one is refused; others wait. */
function failList(state: ReflectorState, exchange: Exchange, failure: Problem, now: Now): ReflectorEffect[] {
  const { reason } = failure;
  const waits = () => [
    ...noteProblem(state, failure, now),
    ...rest(state, pause(state, failure, state.failures++), now),
  ];
  if (reason === "throttled" || reason === "forbidden") return waits();
  if (exchange.ask === "stream") {
    // A server that cannot stream lists has many ways to say so; one that cannot page either is just in trouble.
    state.method = "pages";
    const refused = reason === "error" || reason === "absent" || reason === "invalid" || reason === "expired";
    return refused ? begin(state, now) : waits();
  }
  // As client-go's pager does: where pages do not lead to a whole list, one page without a limit may.
  const within = exchange.token !== "";
  state.method = within ? "whole" : "stream";
  return within && reason === "expired" ? begin(state, now) : waits();
}

/** A list that was to confirm another failed: the watch goes on meanwhile, and nothing is deleted. */
function failConfirmation(
  state: ReflectorState,
  exchange: Exchange,
  failure: Problem,
  now: Now,
): ReflectorEffect[] {
  const waiting = state.unconfirmed!;
  const again = pause(state, failure, waiting.failures);
  const silent = waiting.failures > 0 && now.at - waiting.reportedAt < state.times.reminderMilliseconds;
  state.unconfirmed = {
    ...waiting,
    due: now.at + again,
    failures: waiting.failures + 1,
    reportedAt: silent ? waiting.reportedAt : now.at,
    paged: exchange.limit === 0,
  };
  const text = `${waiting.why}; the second list failed, nothing is deleted: ${failure.text}`;
  return [...silent ? [] : [report(state, text)], ...begin(state, now)];
}

/** Whether the server does not know, or not show, a resource that the proxy can do without. */
function isMissing({ resource, method }: ReflectorState, { token }: Exchange, { reason }: Problem): boolean {
  return resource.optional && token === "" && (reason === "absent" || reason === "forbidden") &&
    (reason === "forbidden" || method !== "stream");
}

/** Goes on without the resource: what is known of it stays, and the server is asked again later. */
function goWithout(state: ReflectorState, failure: Problem, now: Now): ReflectorEffect[] {
  const listing = new Listing(state.resource);
  const isNews = state.missing !== failure.reason;
  listing.leaveOut(failure.reason === "absent" || !isNews ? "" : failure.text);
  state.missing = failure.reason;
  state.problem = failure.reason === "absent" ? undefined : failure;
  state.method = "stream";
  state.listed = state.settled = true;
  rest(state, state.times.idleMilliseconds, now);
  return isNews ? [{ kind: "deliver", batch: listing.batch(now.time, "", false) }] : [];
}

/** The pause after a failure: the server's wish, within bounds, where it has one. */
function pause(state: ReflectorState, failure: Problem, failures = state.failures): number {
  const wish = failure instanceof ApiFailure ? failure.retryAfter : 0;
  return Math.max(backoff(failures, state.times, state), Math.min(wish, RETRY_AFTER_MILLISECONDS_MAX));
}

/** Puts `failure` into the status, and reports it where it was not reported just now. */
function noteProblem(state: ReflectorState, failure: Problem, now: Now): ReflectorEffect[] {
  const isNews = state.problem?.text !== failure.text &&
    (state.reported.text !== failure.text || now.at - state.reported.at >= state.times.repeatMilliseconds);
  state.problem = failure;
  if (!isNews) return [];
  state.reported = { text: failure.text, at: now.at };
  state.settled = true;
  return [report(state, `${failure.text}; trying again`)];
}

function report({ resource }: ReflectorState, text: string): ReflectorEffect {
  return {
    kind: "deliver",
    batch: { kind: "events", events: [], problems: [`${resource.kind}: ${text}`] },
  };
}
