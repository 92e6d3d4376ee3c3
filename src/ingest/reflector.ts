// Follows one resource: lists it, then watches from the version of the list. The list is one page; where the server refuses that,
// it is streamed with the watch, or comes in pages. After a break the watch is resumed; when the server does not have our
// version any more, the resource is listed again. A caller that knows the resource from a ledger first receives the changes
// since then. Pure: stepReflector(state, input, now) -> effects. The driver makes the requests, and sends the input `time`
// when reflectorDeadline has passed.

import { countText } from "../count_text.ts";
import { assert, unreachable } from "../invariant.ts";
import {
  ANSWERS_BYTES_MAX,
  LIST_IDLE_PAGES_MAX,
  LISTS_BYTES_MAX,
  WATCH_BYTES_UNCOUNTED,
} from "../limits/input.ts";
import { decodeObject } from "../kube/decode.ts";
import { objectKey, type WatchEvent } from "../kube/objects.ts";
import { type Line, type Page, pageOf, watchLineOf } from "./answer.ts";
import { ApiFailure, httpFailure, invalid, retryAfterMilliseconds } from "./api_failure.ts";
import { backoff } from "./backoff.ts";
import { PagePart } from "./body.ts";
import { errorFraming, framingFor } from "./framing.ts";
import { Listing, PART_OBJECTS } from "./listing.ts";
import { fail, forgetUnversioned, isNews } from "./reflector_failure.ts";
import { begin, report, request, rest } from "./reflector_request.ts";
import type { Exchange, Now, ReflectorEffect, ReflectorInput, ReflectorState } from "./reflector_state.ts";
import type { WatchProblem } from "./source.ts";

/** Takes one input and returns the effects, in order. Throws only InvariantError. */
export function stepReflector(state: ReflectorState, input: ReflectorInput, now: Now): ReflectorEffect[] {
  switch (input.kind) {
    case "start":
      state.known = input.known;
      state.inParts = input.inParts ?? false;
      if (state.inParts) state.method = "page";
      state.awaitedSince = state.inParts && !state.resource.needed ? now.at : undefined;
      return begin(state, now);
    case "confirm":
      return confirm(state, input.why, now);
    case "time":
      return look(state, now, input.unsent);
    case "taken":
      noteTaken(state, now);
      return [];
    case "reached":
      if (!waitsForServer(state)) return [];
      state.woken = true;
      return begin(state, now);
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

/** When the input `time` is due, by the clock of {@link Now.at}, if no other input comes first; undefined before the start. */
export function reflectorDeadline(state: ReflectorState): number | undefined {
  const { phase, times, unconfirmed } = state;
  if (phase.kind === "unstarted") return undefined;
  if (phase.kind === "resting") return phase.until;
  const { ask, quietSince, endsAt } = phase;
  const due = Math.min(quietSince + silence(state, phase), longest(state, phase));
  if (ask === "stream") return Math.min(due, phase.grownAt + times.markMilliseconds);
  return ask === "watch" ? Math.min(due, endsAt, unconfirmed?.due ?? Infinity) : due;
}

/** When the request ends whatever comes: a server that sends a byte now and then must not hold it open for ever. */
function longest({ times }: ReflectorState, { ask, since, listSince }: Exchange): number {
  switch (ask) {
    case "page":
      return Math.min(since + times.listMilliseconds, listSince + times.pagesMilliseconds);
    case "stream":
      return since + times.streamMilliseconds;
    case "catch-up":
      return since + times.catchUpMaxMilliseconds;
    case "watch":
      return Infinity;
    default:
      return unreachable(ask);
  }
}

/** The wait for our own loop, since the last progress, is no silence of the server. */
function noteTaken({ phase }: ReflectorState, { at }: Now): void {
  if (phase.kind !== "exchange") return;
  const waited = at - phase.quietSince;
  phase.since += waited;
  phase.listSince += waited;
  phase.quietSince = phase.grownAt = at;
}

/** How long the server may be silent during this request. */
function silence({ times, method }: ReflectorState, { ask, head }: Exchange): number {
  const { idleMilliseconds: idle, catchUpMilliseconds, answerMilliseconds, listMilliseconds } = times;
  if (head === undefined) {
    // There are other ways to make this list, so one that is not answered is not waited for so long.
    const isLast = ask === "page" && method !== "page";
    return Math.min(idle, isLast ? listMilliseconds : answerMilliseconds);
  }
  if (head.status !== 200) return Math.min(idle, answerMilliseconds);
  if (ask === "catch-up") return catchUpMilliseconds;
  return ask === "page" ? Math.min(idle, answerMilliseconds) : idle;
}

/** Handles a deadline that has passed. */
function look(state: ReflectorState, now: Now, unsent = false): ReflectorEffect[] {
  const { phase, times } = state;
  const due = reflectorDeadline(state);
  if (due === undefined || now.at < due) return [];
  if (phase.kind !== "exchange") {
    state.woken = false;
    return begin(state, now);
  }
  const waited = silence(state, phase);
  if (now.at >= phase.quietSince + waited) {
    const seconds = waited / 1000;
    const silent = unsent
      ? new ApiFailure(
        "unreachable",
        `no credentials for ${seconds} s: an exec program, or the disk with their files, does not answer`,
      )
      : new ApiFailure("silent", `nothing came for ${seconds} s`);
    return fail(state, phase, brokenBy(state, phase, silent), now);
  }
  if (phase.ask === "stream") {
    state.method = "pages";
    const grows = now.at < phase.grownAt + times.markMilliseconds;
    const seconds = (grows ? times.streamMilliseconds : times.markMilliseconds) / 1000;
    const text = `no end of the streamed list within ${seconds} s; listing in pages`;
    return [{ kind: "cancel" }, report(state, text), ...begin(state, now)];
  }
  if (phase.ask !== "watch") {
    const seconds = Math.round((now.at - phase.listSince) / 1000);
    const slow = new ApiFailure("silent", `the list was not whole after ${seconds} s, though bytes came`);
    return fail(state, phase, brokenBy(state, phase, slow), now);
  }
  // The watch has lasted long enough, or a list must be confirmed now.
  state.failures = state.expired = state.brief = 0;
  forgetUnversioned(state, phase);
  return [{ kind: "cancel" }, ...begin(state, now)];
}

/**
 * Asks for a second list. It is asked for at once. But where the last list was itself a second list that contradicted the
 * first, there is a pause, so that a server that answers differently each time is not listed without end.
 */
function confirm(state: ReflectorState, why: string, now: Now): ReflectorEffect[] {
  state.contradictions = state.lastConfirms ? state.contradictions + 1 : 0;
  const wait = state.contradictions === 0 ? 0 : backoff(state.contradictions, state.times, state);
  state.unconfirmed = { why, due: now.at + wait, failures: 0, reportedAt: now.at };
  return look(state, now);
}

/** The failure of an answer that broke off. If its head had an error status, that status and Retry-After count. */
function brokenBy({ resource }: ReflectorState, { head }: Exchange, problem: WatchProblem): WatchProblem {
  if (head === undefined || head.status === 200) return problem;
  return httpFailure(resource.path, head.status, problem.text, head.retryAfter);
}

type AnswerInput = Extract<ReflectorInput, { kind: "answer" | "bytes" | "end" | "failed" }>;

function answered(
  state: ReflectorState,
  exchange: Exchange,
  input: AnswerInput,
  now: Now,
): ReflectorEffect[] {
  if (input.kind === "failed") return fail(state, exchange, brokenBy(state, exchange, input.problem), now);
  state.receivedAt = now.at;
  if (input.kind !== "bytes") exchange.quietSince = now.at;
  if (input.kind === "answer") return noteHead(state, exchange, input, now);
  const { framing } = exchange;
  assert(framing !== undefined, "an answer begins with its head");
  const done: ReflectorEffect[] = [];
  try {
    const ends = input.kind === "end";
    if (!ends) noteBytes(state, exchange, input.chunk.length);
    const values = ends ? framing.end() : framing.push(input.chunk);
    // More bytes of an error are no progress: its head has already refused the request. Nor is a part of a line.
    const isProgress = exchange.head?.status === 200 && (exchange.ask === "page" || values.length > 0);
    if (isProgress) exchange.quietSince = now.at;
    if (exchange.head?.status !== 200) {
      return values.length > 0 ? refuse(state, exchange, values[0], now) : [];
    }
    if (exchange.ask === "page") {
      for (const value of values) done.push(...takePage(state, exchange, value, now));
      return done;
    }
    takeLines(state, exchange, values, now, done);
    return ends ? [...done, ...endStream(state, exchange, now)] : done;
  } catch (error) {
    if (!(error instanceof ApiFailure)) throw error;
    return [...done, ...fail(state, exchange, error, now)];
  }
}

/**
 * Counts bytes that arrive. Throws where unread answers, or lists under way, would fill the memory: those of all resources
 * count, because all can be endless at once. An answer may have half of what the others leave, so that one endless answer
 * does not end the others.
 */
function noteBytes({ peers }: ReflectorState, exchange: Exchange, length: number): void {
  // Nearly all chunks are whole lines of a watch. They fill no memory, so they need not be compared with the others.
  if (exchange.ask === "watch" && exchange.framing!.held + length <= WATCH_BYTES_UNCOUNTED) return;
  const open = peers.flatMap(({ phase }) => phase.kind === "exchange" ? [phase] : []);
  const sum = (bytes: (one: Exchange) => number) => open.reduce((sum, one) => sum + bytes(one), 0);
  const own = exchange.framing!.held + length;
  const others = sum(({ framing }) => framing?.held ?? 0) + length - own;
  if (2 * own + others > ANSWERS_BYTES_MAX) {
    throw invalid(`an answer of more than ${own - length} bytes, while others have ${others} in memory`);
  }
  if (exchange.ask === "watch") return;
  exchange.bytes += length;
  const listed = sum(({ ask, bytes }) => ask === "watch" ? 0 : bytes);
  if (listed > LISTS_BYTES_MAX) throw invalid(`lists of more than ${LISTS_BYTES_MAX} bytes together`);
}

function noteHead(
  state: ReflectorState,
  exchange: Exchange,
  { status, contentType, retryAfter, shared }: ReflectorInput & { kind: "answer" },
  now: Now,
): ReflectorEffect[] {
  const { resource, times, peers } = state;
  state.shared = shared;
  state.unanswered = 0;
  state.woken = false;
  exchange.head = { status, retryAfter: retryAfterMilliseconds(retryAfter, now.time), at: now.at };
  exchange.framing = status === 200
    ? framingFor(contentType, exchange.ask !== "page")
    : errorFraming(contentType);
  exchange.grownAt = now.at;
  if (exchange.ask === "stream") exchange.listing = new Listing(resource, state.inParts);
  if (exchange.ask === "watch" && status === 200) state.problem = undefined;
  // Probes do not use a connection that only this watch has, so its death would not be noticed: the watch is renewed soon.
  if (!shared) exchange.endsAt = now.at + times.refreshMilliseconds;
  return status === 200 && peers.some(waitsForServer) ? [{ kind: "reached" }] : [];
}

/**
 * Whether the next request waits only because the server did not answer the last one. A pause ends early only once in a row: else
 * a server that answers a resource, and no other one, would be asked for the others without pauses.
 */
function waitsForServer({ phase, unanswered, woken }: ReflectorState): boolean {
  return phase.kind === "resting" && unanswered > 0 && !woken;
}

/** The end of an error answer. */
function refuse(state: ReflectorState, exchange: Exchange, body: unknown, now: Now): ReflectorEffect[] {
  const { status, retryAfter } = exchange.head!;
  return fail(state, exchange, httpFailure(state.resource.path, status, body, retryAfter), now);
}

/** Takes a page of a list, or a part of one; asks for the next page, or delivers the list and begins a watch. */
function takePage(state: ReflectorState, exchange: Exchange, value: unknown, now: Now): ReflectorEffect[] {
  const isPart = value instanceof PagePart;
  const page = pageOf(isPart ? value.read() : value, state.resource);
  const done = addPage(state, exchange, page, now);
  return isPart ? done : [...done, ...endPage(state, exchange, page, now)];
}

/** Adds the objects of a page to its list. All pages must be of one version. */
function addPage(
  state: ReflectorState,
  exchange: Exchange,
  { items, resourceVersion }: Page,
  now: Now,
): ReflectorEffect[] {
  if (exchange.listing === undefined) {
    exchange.listing = new Listing(state.resource, state.inParts);
    exchange.resourceVersion = resourceVersion;
  } else if (exchange.resourceVersion !== resourceVersion) {
    const version = (version: string) => version === "" ? "without a version" : `of version ${version}`;
    throw invalid(`a page ${version(resourceVersion)} in a list ${version(exchange.resourceVersion)}`);
  }
  const done: ReflectorEffect[] = [];
  for (const item of items) {
    exchange.listing.add(item);
    deliverPart(state, exchange, now, done);
  }
  return done;
}

function endPage(
  state: ReflectorState,
  exchange: Exchange,
  { resourceVersion, token }: Page,
  now: Now,
): ReflectorEffect[] {
  if (token === "") return [deliverList(state, exchange, resourceVersion, now), ...begin(state, now)];
  const listing = exchange.listing!;
  exchange.idlePages = listing.size > exchange.objectsBefore ? 0 : exchange.idlePages + 1;
  if (token === exchange.token || exchange.idlePages > LIST_IDLE_PAGES_MAX) {
    throw invalid(`pages without end: ${countText(listing.size, "object")}, and always one page more`);
  }
  const next: Exchange = {
    ...exchange,
    token,
    objectsBefore: listing.size,
    since: now.at,
    quietSince: now.at,
    head: undefined,
  };
  state.phase = next;
  return [request(state, next)];
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
  state.lastConfirms = confirms;
  state.version = version;
  state.inParts = false;
  if (state.pageAgain) state.method = "page";
  state.pageAgain = false;
  state.awaitedSince = undefined;
  state.listed = state.settled = true;
  state.lists++;
  state.problem = state.missing = undefined;
  const batch = listing!.batch(now.time, version, confirms);
  const problems = [...batch.problems, ...awaitNames(state, listing!.unnamed, now)];
  return { kind: "deliver", batch: { ...batch, problems } };
}

/**
 * Asks for another list after one with objects that have no name. Any object may be one of them, so the list deletes nothing;
 * without another list, objects that are gone would stay.
 */
function awaitNames(state: ReflectorState, unnamed: string, now: Now): string[] {
  if (unnamed === "") state.unnamedLists = 0;
  if (unnamed === "") return [];
  const why = `${unnamed}; the list deletes nothing`;
  const wait = backoff(state.unnamedLists++, state.times, state);
  state.unconfirmed = { why, due: now.at + wait, failures: 0, reportedAt: now.at };
  return isNews(state, why, now) ? [`${why}, and another one is asked for`] : [];
}

/** The changes and problems of one chunk, which become one batch. */
interface Gathered {
  readonly events: WatchEvent[];
  readonly problems: string[];
}

/** Takes lines of a watch. While it streams a list, they belong to the list until the server marks its end. */
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
      const line = watchLineOf(value, state.resource);
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

/** Takes a line of a list that is streamed with its watch. */
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

/** Takes a line of a watch: a change, or a bookmark. */
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
    } else if (isNews(state, decoded.problem, now)) problems.push(`${decoded.problem}; it stays as it was`);
  }
  if (resourceVersion === "" || exchange.ask !== "watch") return;
  // A watch that begins without a version first sends all objects, but not which were deleted before. So a list follows it,
  // even where its bookmarks have versions.
  if (exchange.versioned) state.version = resourceVersion;
  if (exchange.versioned || line.kind === "bookmark") exchange.advanced = true;
}

/** Handles the end of a stream. Usually it is a watch that lasted as long as it was asked for. */
function endStream(state: ReflectorState, exchange: Exchange, now: Now): ReflectorEffect[] {
  if (exchange.ask === "stream") {
    const empty = exchange.lines === 0;
    throw new ApiFailure(
      empty ? "invalid" : "cut",
      empty ? "an empty answer where a list was expected" : "the stream ended before the list was whole",
    );
  }
  if (exchange.ask === "catch-up") return fail(state, exchange, new ApiFailure("cut", ""), now);
  // A server may end each watch at once. Without this failure and its pause it would be asked without end.
  const isShort = now.at - exchange.head!.at < state.times.shortMilliseconds;
  if (isShort && !exchange.advanced) throw invalid("the watch ended at once");
  state.failures = state.expired = state.refused = 0;
  forgetUnversioned(state, exchange);
  if (isShort) return [...noteBrief(state, now), ...rest(state, backoff(0, state.times, state), now)];
  state.brief = 0;
  return begin(state, now);
}

/** So many watches in a row that end at once, each with a new version, may be chance. More are reported. */
const BRIEF_WATCHES_MAX = 10;

function noteBrief(state: ReflectorState, now: Now): ReflectorEffect[] {
  const text = "each watch ends at once, and is begun again, so changes arrive up to a second late: " +
    "look at the API server's log, and for a proxy before it that cuts long answers";
  if (++state.brief <= BRIEF_WATCHES_MAX || !isNews(state, text, now)) return [];
  return [report(state, text)];
}
