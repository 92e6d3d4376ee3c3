// The requests of a reflector: which one is next, how it is asked for, and the pause before it.

import { draw } from "./backoff.ts";
import type { Exchange, Now, Query, ReflectorEffect, ReflectorState } from "./reflector_state.ts";

/** Makes the next request: what was missed, a list, or a watch. A list waits for as long as the server asked for. */
export function begin(state: ReflectorState, now: Now): ReflectorEffect[] {
  const exchange = newExchange(state, now);
  const lists = exchange.ask === "stream" || exchange.ask === "page";
  if (lists && now.at < state.listNotBefore) return rest(state, state.listNotBefore - now.at, now);
  state.phase = exchange;
  return [request(state, exchange)];
}

/** The effect that makes the request of `exchange`. */
export function request(state: ReflectorState, exchange: Exchange): ReflectorEffect {
  return { kind: "request", path: state.resource.path, query: queryOf(state, exchange, draw(state)) };
}

/** Waits before the next request. */
export function rest(state: ReflectorState, milliseconds: number, now: Now): ReflectorEffect[] {
  state.phase = { kind: "resting", until: now.at + milliseconds };
  return [];
}

/** Reports `text` about the resource, without anything about its objects. */
export function report({ resource }: ReflectorState, text: string): ReflectorEffect {
  return {
    kind: "deliver",
    batch: { kind: "events", events: [], problems: [`${resource.kind}: ${text}`] },
  };
}

/** Objects of a page. */
const PAGE_OBJECTS = 500;
/** Pages of a list that confirms another one are of another size than those of the first. */
const CONFIRMING_PAGE_OBJECTS = 400;

/** The next request: what was missed, a list, or a watch. */
function newExchange(state: ReflectorState, { at }: Now): Exchange {
  const { known, version, unconfirmed, method } = state;
  const confirms = known === undefined && unconfirmed !== undefined && unconfirmed.due <= at;
  const lists = version === undefined || confirms;
  const paged = confirms ? unconfirmed.paged ?? method === "whole" : method === "pages";
  const pageSize = confirms ? CONFIRMING_PAGE_OBJECTS : PAGE_OBJECTS;
  const listing = method === "stream" && !confirms ? "stream" : "page";
  const ask = known !== undefined ? "catch-up" : lists ? listing : "watch";
  return {
    kind: "exchange",
    ask,
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
    versioned: ask === "stream" || version !== "",
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
function queryOf(state: ReflectorState, exchange: Exchange, drawn: number): Query {
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
