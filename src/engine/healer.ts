// Decides when to look for changes that other programs made to our tables, and when to put our rules back: step(state,
// input, now) -> effects. It has no clock: `now` is in milliseconds of one that never goes back, and `wakeAt` is the time
// at which it wants to be asked again.

import { DRIFT_CHANGES_MAX } from "../limits.ts";
import { unreachable } from "../invariant.ts";
import type { Heard } from "../kernel/ruleset_monitor.ts";
import { healedAt, healingDelay, type Healings } from "./healing.ts";

/** How often the kernel is asked what other programs did. */
const POLL_MILLISECONDS = 100;
/** How often our tables are listed and compared; a listing of 60,000 elements takes a quarter of a second. */
const AUDIT_MILLISECONDS = 15 * 60_000;
/** When they are compared first, where a start took the kernel's generation as proof: it hides what was wrong before. */
const FIRST_AUDIT_MILLISECONDS = 5000;
/** Pause before a refused commit is tried again; doubled each time. */
const RETRY_MILLISECONDS = 1000;
const RETRY_MILLISECONDS_MAX = 30_000;

/** What happened. */
export type HealerInput =
  /** The time that {@link wakeAt} named has come; earlier it means nothing. */
  | { readonly kind: "woken" }
  /** What the monitor received since it was last asked. */
  | { readonly kind: "polled"; readonly heard: Heard }
  /** Whether a listing of our tables is what was committed. */
  | { readonly kind: "compared"; readonly equal: boolean }
  /** A commit was tried, for whatever reason: whether the kernel refused it in the end. */
  | { readonly kind: "tried"; readonly refused: boolean };

/** What must be done, in this order. The results of poll, compare, heal and commit come back as inputs. */
export type HealerEffect =
  | { readonly kind: "poll" }
  | { readonly kind: "compare" }
  /** Another program changed our tables: for the ledger. */
  | ({ readonly kind: "drift"; readonly response: string } & Change)
  /** List our tables, and commit what is missing there. */
  | { readonly kind: "heal" }
  /** Try again what was refused. */
  | { readonly kind: "commit" };

interface Change {
  /** "" where it is not known which program it was. */
  readonly process: string;
  readonly pid: number;
  readonly changes: readonly string[];
}

/** A change of another program that is not settled: our rules are not back, or the next change would have to wait. */
export interface UnsettledDrift extends Change {
  /** When it began. */
  readonly since: number;
  /** When the rules will be put back; undefined once they are back, until another change would be put back at once. */
  readonly putBackAt: number | undefined;
}

/** Changed in place by {@link step} alone. */
export interface HealerState {
  /** Infinity where there is no monitor. */
  pollAt: number;
  auditAt: number;
  /** When rules that wait are put back. */
  healAt: number | undefined;
  healings: Healings;
  /** When a refused commit is tried again. */
  retryAt: number | undefined;
  refusals: number;
  /** The last change, until it is settled. */
  drift: (Change & { readonly since: number }) | undefined;
  /** Whether our rules had to wait since {@link drift} began. */
  waited: boolean;
}

/** `listens`: whether there is a monitor. `listed`: whether the start has listed our tables. */
export function newHealer(listens: boolean, listed: boolean, now: number): HealerState {
  return {
    pollAt: listens ? now + POLL_MILLISECONDS : Infinity,
    auditAt: listens ? now + (listed ? AUDIT_MILLISECONDS : FIRST_AUDIT_MILLISECONDS) : Infinity,
    healAt: undefined,
    healings: [],
    retryAt: undefined,
    refusals: 0,
    drift: undefined,
    waited: false,
  };
}

/** When it wants to be woken; Infinity for never. */
export function wakeAt({ pollAt, auditAt, healAt = Infinity, retryAt = Infinity }: HealerState): number {
  return Math.min(pollAt, auditAt, healAt, retryAt);
}

/** What is not settled at `now`, as of the last {@link step}. */
export function unsettledDrift({ drift, waited, healAt, retryAt }: HealerState): UnsettledDrift | undefined {
  return drift === undefined || !waited ? undefined : { ...drift, putBackAt: healAt ?? retryAt };
}

/** Takes one input and returns what must be done. */
export function step(state: HealerState, input: HealerInput, now: number): HealerEffect[] {
  switch (input.kind) {
    case "woken":
      settle(state, now);
      return due(state, now);
    case "polled":
      return takeHeard(state, input.heard, now);
    case "compared":
      return input.equal
        ? []
        : drifted(state, [{ process: "", pid: 0, changes: ["found by comparison"] }], now);
    case "tried":
      noteTried(state, input.refused, now);
      return [];
    default:
      return unreachable(input);
  }
}

function due(state: HealerState, now: number): HealerEffect[] {
  const effects: HealerEffect[] = [];
  if (state.pollAt <= now) {
    state.pollAt = now + POLL_MILLISECONDS;
    effects.push({ kind: "poll" });
  }
  if (state.auditAt <= now) {
    state.auditAt = now + AUDIT_MILLISECONDS;
    effects.push({ kind: "compare" });
  }
  if (state.healAt !== undefined && state.healAt <= now) {
    effects.push(heal(state, now));
  } else if (state.retryAt !== undefined && state.retryAt <= now) {
    state.retryAt = undefined;
    effects.push({ kind: "commit" });
  }
  return effects;
}

/** What the kernel dropped of its messages is looked for by a comparison, unless our tables are listed all the same. */
function takeHeard(state: HealerState, { foreign, lost }: Heard, now: number): HealerEffect[] {
  if (foreign.length > 0) return drifted(state, foreign, now);
  return lost ? [{ kind: "compare" }] : [];
}

function drifted(state: HealerState, changes: readonly Change[], now: number): HealerEffect[] {
  const waits = state.healAt !== undefined;
  const delay = waits ? 0 : healingDelay(state.healings, now);
  const response = waits
    ? "rules wait to be put back"
    : delay === 0
    ? "rules are put back"
    : `that was too often: rules are put back in ${Math.ceil(delay / 1000)} s`;
  if (delay > 0) state.healAt = now + delay;
  state.waited ||= waits || delay > 0;
  for (const change of changes) noteDrift(state, change, now);
  const effects = changes.map((change): HealerEffect => ({ kind: "drift", response, ...change }));
  return state.healAt === undefined ? [...effects, heal(state, now)] : effects;
}

/** What one program did counts together; who it was is not forgotten because a comparison cannot say it. */
function noteDrift(state: HealerState, { process, pid, changes }: Change, now: number): void {
  const { drift } = state;
  const named = process === "" && drift !== undefined ? drift : { process, pid };
  const before = drift?.process === named.process ? drift.changes : [];
  state.drift = {
    process: named.process,
    pid: named.pid,
    changes: [...new Set([...before, ...changes])].slice(0, DRIFT_CHANGES_MAX),
    since: drift?.since ?? now,
  };
}

function heal(state: HealerState, now: number): HealerEffect {
  state.healAt = undefined;
  state.healings = healedAt(state.healings, now);
  return { kind: "heal" };
}

function noteTried(state: HealerState, refused: boolean, now: number): void {
  if (refused) {
    state.waited ||= state.drift !== undefined;
    state.retryAt = now + Math.min(RETRY_MILLISECONDS_MAX, RETRY_MILLISECONDS * 2 ** state.refusals);
    state.refusals++;
    return;
  }
  state.retryAt = undefined;
  state.refusals = 0;
  settle(state, now);
}

/** Rules that are back are settled once another change would be put back at once. */
function settle(state: HealerState, now: number): void {
  const { healAt, retryAt, healings, waited } = state;
  if (healAt !== undefined || retryAt !== undefined) return;
  if (waited && healingDelay(healings, now) > 0) return;
  state.drift = undefined;
  state.waited = false;
}
