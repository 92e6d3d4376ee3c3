// Decides how to go on after a failed request: list in another way, list in place of a watch, or retry after a pause; and
// whether the failure is reported. Pure.

import { REPORTED_PROBLEMS_MAX, RETRY_AFTER_MILLISECONDS_MAX } from "../limits/input.ts";
import { ApiFailure, EncodingFailure } from "./api_failure.ts";
import { backoff } from "./backoff.ts";
import { Listing } from "./listing.ts";
import { begin, report, rest } from "./reflector_request.ts";
import type { Exchange, Now, ReflectorEffect, ReflectorState } from "./reflector_state.ts";
import type { WatchProblem } from "./source.ts";

/** Handles a failed request and returns the effects. */
export function fail(
  state: ReflectorState,
  exchange: Exchange,
  failure: WatchProblem,
  now: Now,
): ReflectorEffect[] {
  const { ask, confirms } = exchange;
  const cancel: ReflectorEffect = { kind: "cancel" };
  if (failure instanceof EncodingFailure && state.encoding !== "json") {
    return [cancel, ...askForJson(state, exchange, failure, now)];
  }
  if (ask !== "watch") state.listNotBefore = now.at + wishOf(failure);
  if (ask === "catch-up") {
    // Silence means that all missed changes were received. After any other failure the list has them too.
    state.known = undefined;
    return [cancel, ...begin(state, now)];
  }
  if (confirms) return [cancel, ...failConfirmation(state, exchange, failure, now)];
  if (ask === "watch") return [cancel, ...failWatch(state, exchange, failure, now)];
  if (isMissing(state, exchange, failure)) return [cancel, ...goWithout(state, failure, now)];
  return [cancel, ...failList(state, exchange, failure, now)];
}

/** Every server has JSON. The resource is asked for in JSON from now on, so this is reported once. */
function askForJson(
  state: ReflectorState,
  exchange: Exchange,
  failure: EncodingFailure,
  now: Now,
): ReflectorEffect[] {
  state.encoding = "json";
  forgetUnversioned(state, exchange);
  return [report(state, `${failure.text}; asking for JSON from now on`), ...begin(state, now)];
}

function failWatch(
  state: ReflectorState,
  exchange: Exchange,
  failure: WatchProblem,
  now: Now,
): ReflectorEffect[] {
  const { times } = state;
  const worked = exchange.head !== undefined && now.at - exchange.head.at >= times.shortMilliseconds;
  if (worked) state.failures = state.expired = state.brief = 0;
  state.refused = REFUSED.has(failure.reason) ? state.refused + 1 : 0;
  const silent = now.at - exchange.quietSince >= times.idleMilliseconds;
  state.silences = silent && !exchange.advanced ? state.silences + 1 : 0;
  forgetUnversioned(state, exchange);
  if (failure.reason === "expired") {
    // The server does not have our version any more: list again, the first time without a pause. Other failures before it do not
    // count: while a token had expired, or the server was busy, versions expire as well.
    state.version = undefined;
    state.failures++;
    if (state.expired++ === 0) return begin(state, now);
    const reports = state.expired > EXPIRED_WATCHES_MAX ? noteProblem(state, failure, now) : [];
    return [...reports, ...rest(state, pause(state, failure), now)];
  }
  // Why not simply retry the watch? An invalid line would come again each time. And a server that was restored from a backup
  // may answer with another error than 410, or be silent until it reaches our version again. A list avoids all of that.
  if (state.refused >= REFUSED_WATCHES_MAX || state.silences >= SILENT_WATCHES_MAX) state.version = undefined;
  if (failure.reason === "cut" && worked) {
    rest(state, backoff(0, times, state), now);
    return [{ kind: "cut", cause: failure.text }];
  }
  return [...noteProblem(state, failure, now), ...restAfter(state, exchange, failure, now)];
}

/**
 * So many rejected or invalid watches in a row lead to a list, and then each further one, until a watch works: where watches never
 * work, lists alone have the changes.
 */
const REFUSED_WATCHES_MAX = 2;
const REFUSED: ReadonlySet<WatchProblem["reason"]> = new Set(["invalid", "error", "absent"]);
/** More watches in a row whose version has expired at once are a problem of the server: each of them costs it a list. */
const EXPIRED_WATCHES_MAX = 2;
/** So many watches in a row without a line, not even a bookmark, lead to a list. */
const SILENT_WATCHES_MAX = 2;

/** A failed list. The next way to list is tried at once where the server rejected the last one, else after a pause. */
function failList(
  state: ReflectorState,
  exchange: Exchange,
  failure: WatchProblem,
  now: Now,
): ReflectorEffect[] {
  const { reason } = failure;
  const waits = () => [
    ...noteProblem(state, failure, now),
    ...startWithout(state, failure, now),
    ...restAfter(state, exchange, failure, now),
  ];
  if (reason === "throttled" || reason === "forbidden") return waits();
  // A server that cannot list in this way may answer with any of these. If the next way fails too, it has another problem.
  const refused = reason === "error" || reason === "absent" || reason === "invalid" || reason === "expired";
  if (exchange.ask === "stream" || state.method === "page") {
    // A server that was not reached, as while it starts, has refused nothing: the lists after this one are one page again.
    if (state.method === "page") state.pageAgain = reason === "unreachable";
    state.method = exchange.ask === "stream" ? "pages" : "stream";
    return refused ? begin(state, now) : waits();
  }
  // As in client-go's pager: where the pages do not make a whole list, one page without a limit may.
  const within = exchange.token !== "";
  state.method = within && exchange.limit > 0 ? "whole" : "stream";
  return state.method === "whole" && reason === "expired" ? begin(state, now) : waits();
}

/** A second list failed. It is retried later; until then the watch goes on, and nothing is deleted. */
function failConfirmation(
  state: ReflectorState,
  exchange: Exchange,
  failure: WatchProblem,
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

/** Whether the server does not have, or does not allow to list, a resource that the proxy does not need. */
function isMissing(
  { resource, method }: ReflectorState,
  { token }: Exchange,
  { reason }: WatchProblem,
): boolean {
  return resource.optional && token === "" && (reason === "absent" || reason === "forbidden") &&
    (reason === "forbidden" || method !== "stream");
}

/**
 * Delivers an empty list of a resource that the server refuses to show and that rules do not need, so that the first lists of
 * the other resources are applied. The empty list deletes nothing, and the resource is still listed again.
 */
function startWithout(state: ReflectorState, failure: WatchProblem, now: Now): ReflectorEffect[] {
  const { resource, times, awaitedSince } = state;
  if (awaitedSince === undefined || now.at - awaitedSince < times.awaitMilliseconds) return [];
  if (failure.reason !== "forbidden" && failure.reason !== "absent") return [];
  state.awaitedSince = undefined;
  const listing = new Listing(resource);
  listing.leaveOut(failure.text);
  return [{ kind: "deliver", batch: listing.batch(now.time, "", false) }];
}

/** Goes on without the resource. Its known objects stay, and the server is asked again later. */
function goWithout(state: ReflectorState, failure: WatchProblem, now: Now): ReflectorEffect[] {
  const listing = new Listing(state.resource);
  const isNews = state.missing !== failure.reason;
  listing.leaveOut(failure.reason === "absent" || !isNews ? "" : failure.text);
  state.missing = failure.reason;
  state.awaitedSince = undefined;
  state.problem = failure.reason === "absent" ? undefined : failure;
  state.method = "stream";
  state.listed = state.settled = true;
  rest(state, state.times.idleMilliseconds, now);
  return isNews ? [{ kind: "deliver", batch: listing.batch(now.time, "", false) }] : [];
}

/**
 * Waits after a failure. Those that the server answered count apart from those that it did not: else the first answer after an
 * absence, which may be that our version has expired, or that the server has just started, would be followed by the longest pause.
 */
function restAfter(
  state: ReflectorState,
  { head }: Exchange,
  failure: WatchProblem,
  now: Now,
): ReflectorEffect[] {
  const failures = head === undefined ? state.unanswered++ : state.failures++;
  return rest(state, pause(state, failure, failures), now);
}

/** The pause after a failure: the backoff, or what the server asks for if that is longer. */
function pause(state: ReflectorState, failure: WatchProblem, failures = state.failures): number {
  return Math.max(backoff(failures, state.times, state), wishOf(failure));
}

/** How long the server asks to wait, up to a limit; 0 where it does not. */
function wishOf(failure: WatchProblem): number {
  return failure instanceof ApiFailure ? Math.min(failure.retryAfter, RETRY_AFTER_MILLISECONDS_MAX) : 0;
}

/** Puts `failure` into the status, and reports it unless it was reported recently. */
function noteProblem(state: ReflectorState, failure: WatchProblem, now: Now): ReflectorEffect[] {
  const isSame = state.problem?.text === failure.text;
  state.problem = failure;
  if (isSame || !isNews(state, failure.text, now)) return [];
  state.settled = true;
  return [report(state, `${failure.text}; trying again`)];
}

/** Whether `text` was not reported within the last minute. If so, it counts as reported from now on. */
export function isNews({ reported, times }: ReflectorState, text: string, now: Now): boolean {
  const before = reported.get(text);
  if (before !== undefined && now.at - before < times.repeatMilliseconds) return false;
  reported.delete(text);
  reported.set(text, now.at);
  const [oldest] = reported.keys();
  if (reported.size > REPORTED_PROBLEMS_MAX) reported.delete(oldest!);
  return true;
}

/** After a watch that had no version, the next watch could not continue at its end. So a list is needed. */
export function forgetUnversioned(state: ReflectorState, { ask, versioned }: Exchange): void {
  if (ask === "watch" && !versioned) state.version = undefined;
}
