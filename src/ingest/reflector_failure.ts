// What becomes of a request that failed: another way to ask, a list in place of a watch, or a pause; and what is reported.

import { REPORTED_PROBLEMS_MAX, RETRY_AFTER_MILLISECONDS_MAX } from "../limits.ts";
import { ApiFailure } from "./api_failure.ts";
import { backoff } from "./backoff.ts";
import { Listing } from "./listing.ts";
import { begin, report, rest } from "./reflector_request.ts";
import type { Exchange, Now, ReflectorEffect, ReflectorState } from "./reflector_state.ts";
import type { Problem } from "./source.ts";

/** Decides what becomes of a request that failed. */
export function fail(
  state: ReflectorState,
  exchange: Exchange,
  failure: Problem,
  now: Now,
): ReflectorEffect[] {
  const { ask, confirms } = exchange;
  const cancel: ReflectorEffect = { kind: "cancel" };
  if (ask !== "watch") state.listNotBefore = now.at + wishOf(failure);
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
  state.refused = REFUSED.has(failure.reason) ? state.refused + 1 : 0;
  const silent = now.at - exchange.quietSince >= times.idleMilliseconds;
  state.silences = silent && !exchange.advanced ? state.silences + 1 : 0;
  forgetUnversioned(state, exchange);
  if (failure.reason === "expired") {
    // The server has forgotten what came after our version: list again, the first time at once.
    state.version = undefined;
    return state.failures++ === 0 ? begin(state, now) : rest(state, pause(state, failure), now);
  }
  // Lines that make no sense may stand in the way of those behind them, and a server that was restored from a backup may
  // say so in another way than 410, or be silent until it has reached our version again: a list goes around all of that.
  if (state.refused >= REFUSED_WATCHES_MAX || state.silences >= SILENT_WATCHES_MAX) {
    state.version = undefined;
    state.refused = 0;
  }
  if (failure.reason === "cut" && worked) {
    rest(state, backoff(0, times, state), now);
    return [{ kind: "cut", cause: failure.text }];
  }
  return [...noteProblem(state, failure, now), ...rest(state, pause(state, failure, state.failures++), now)];
}

/** Watches in a row that are refused, or make no sense, before the resource is listed again. */
const REFUSED_WATCHES_MAX = 3;
const REFUSED: ReadonlySet<Problem["reason"]> = new Set(["invalid", "error", "absent"]);
/** Watches in a row that bring nothing, not even a bookmark, before it is. */
const SILENT_WATCHES_MAX = 2;

/** Ways to list that are tried at once where the last one is refused; others wait. */
function failList(state: ReflectorState, exchange: Exchange, failure: Problem, now: Now): ReflectorEffect[] {
  const { reason } = failure;
  const waits = () => [
    ...noteProblem(state, failure, now),
    ...startWithout(state, failure, now),
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
  state.method = within && exchange.limit > 0 ? "whole" : "stream";
  return state.method === "whole" && reason === "expired" ? begin(state, now) : waits();
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

/**
 * Lets the first lists of other resources go on without one that the server does not show, where rules can be made without
 * it: an empty list, which deletes nothing. It is asked for again all the same.
 */
function startWithout(state: ReflectorState, failure: Problem, now: Now): ReflectorEffect[] {
  const { resource, times, awaitedSince } = state;
  if (awaitedSince === undefined || now.at - awaitedSince < times.awaitMilliseconds) return [];
  if (failure.reason !== "forbidden" && failure.reason !== "absent") return [];
  state.awaitedSince = undefined;
  const listing = new Listing(resource);
  listing.leaveOut(failure.text);
  return [{ kind: "deliver", batch: listing.batch(now.time, "", false) }];
}

/** Goes on without the resource: what is known of it stays, and the server is asked again later. */
function goWithout(state: ReflectorState, failure: Problem, now: Now): ReflectorEffect[] {
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

/** The pause after a failure: the server's wish, within bounds, where it has one. */
function pause(state: ReflectorState, failure: Problem, failures = state.failures): number {
  return Math.max(backoff(failures, state.times, state), wishOf(failure));
}

/** How long the server asks to wait, within bounds; 0 where it does not. */
function wishOf(failure: Problem): number {
  return failure instanceof ApiFailure ? Math.min(failure.retryAfter, RETRY_AFTER_MILLISECONDS_MAX) : 0;
}

/** Puts `failure` into the status, and reports it where it was not reported just now. */
function noteProblem(state: ReflectorState, failure: Problem, now: Now): ReflectorEffect[] {
  const isSame = state.problem?.text === failure.text;
  state.problem = failure;
  if (isSame || !isNews(state, failure.text, now)) return [];
  state.settled = true;
  return [report(state, `${failure.text}; trying again`)];
}

/** Whether `text` was not reported in the last minute; it is then taken to be reported. */
export function isNews({ reported, times }: ReflectorState, text: string, now: Now): boolean {
  const before = reported.get(text);
  if (before !== undefined && now.at - before < times.repeatMilliseconds) return false;
  reported.delete(text);
  reported.set(text, now.at);
  const [oldest] = reported.keys();
  if (reported.size > REPORTED_PROBLEMS_MAX) reported.delete(oldest!);
  return true;
}

/** What happened after a watch without a version nobody can say: a list can. */
export function forgetUnversioned(state: ReflectorState, { ask, versioned }: Exchange): void {
  if (ask === "watch" && !versioned) state.version = undefined;
}
