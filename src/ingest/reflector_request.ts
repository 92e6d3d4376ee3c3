// The requests of a reflector: which one is next, its query, and the pause before it. Pure.

import { draw } from "./backoff.ts";
import type { Exchange, Now, Query, ReflectorEffect, ReflectorState } from "./reflector_state.ts";

/** Makes the next request: a catch-up, a list, or a watch. A list waits for as long as the server asked for. */
export function begin(state: ReflectorState, now: Now): ReflectorEffect[] {
  const exchange = newExchange(state, now);
  const lists = exchange.ask === "stream" || exchange.ask === "page";
  if (lists && now.at < state.listNotBefore) return rest(state, state.listNotBefore - now.at, now);
  state.phase = exchange;
  return [request(state, exchange)];
}

/** The effect that sends the request of `exchange`. */
export function request(state: ReflectorState, exchange: Exchange): ReflectorEffect {
  const { resource: { path }, encoding } = state;
  return { kind: "request", path, query: queryOf(state, exchange, draw(state)), encoding };
}

/** Waits for `milliseconds` before the next request. */
export function rest(state: ReflectorState, milliseconds: number, now: Now): ReflectorEffect[] {
  state.phase = { kind: "resting", until: now.at + milliseconds };
  return [];
}

/** Reports `text` about the resource, in a batch without events. */
export function report({ resource }: ReflectorState, text: string): ReflectorEffect {
  return {
    kind: "deliver",
    batch: { kind: "events", events: [], problems: [`${resource.kind}: ${text}`] },
  };
}

/** How many objects a page may have. */
const PAGE_OBJECTS = 500;
/** The same for a second list. Another size gives other pages, so that the server does not repeat its first answer. */
const CONFIRMING_PAGE_OBJECTS = 400;

/** Decides which request is next. */
function newExchange(state: ReflectorState, { at }: Now): Exchange {
  const { known, version, unconfirmed, method } = state;
  const confirms = known === undefined && unconfirmed !== undefined && unconfirmed.due <= at;
  const lists = version === undefined || confirms;
  const inOnePage = method === "whole" || method === "page";
  const paged = confirms ? unconfirmed.paged ?? inOnePage : method === "pages";
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
    listSince: at,
    quietSince: at,
    grownAt: Infinity,
    endsAt: Infinity,
    head: undefined,
    framing: undefined,
    listing: undefined,
    resourceVersion: "",
    objectsBefore: 0,
    idlePages: 0,
    lines: 0,
    bytes: 0,
    versioned: ask === "stream" || version !== "",
    advanced: false,
  };
}

/** The server ends a watch after a random time in this range, in seconds: so watches move between its replicas. */
const WATCH_SECONDS = [300, 600] as const;
/** A watch without a version is shorter, because a list must follow it. */
const UNVERSIONED_SECONDS = [60, 120] as const;
/** Longest catch-up in seconds. A busy resource is never silent, and must be listed all the same. */
const CATCH_UP_SECONDS = 5;

/** The query of `exchange`. `drawn`, from 0 to 1, selects the length of a watch. */
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
  // Without sharing: the server ends the watch before this program would, so that the connection can be used again.
  const seconds = shared
    ? Math.round(least + drawn * (most - least))
    : Math.floor(times.refreshMilliseconds / 1000 * 0.8);
  return String(Math.max(1, seconds));
}
