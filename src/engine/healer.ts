// Decides when to look for changes that other programs made to our tables, and when to put our rules back:
// stepHealer(state, input, now) -> effects. It has no clock: `now` is in milliseconds of one that never goes back, and
// `healerWakesAt` is the time of its next deadline. Where the monitor announces that notifications have arrived, they are read at
// once, and else once a second, in case an announcement was lost. Why not always read them ten times a second? Each wake of a
// process at rest costs 0.2 to 0.3 ms. Why not at each announcement? Ten polls a second bound the work that a program which changes
// tables all the time can cause here.

import { DRIFT_CHANGES_MAX } from "../limits/commits.ts";
import { unreachable } from "../invariant.ts";
import type { ForeignChanges } from "../kernel/ruleset_monitor.ts";
import { secondAfter } from "../second.ts";
import { healedAt, healingDelay, type Healings } from "./healing.ts";

/** How often the monitor's notifications are read at most, and also where it announces none, or while a change is not resolved. */
const POLL_MILLISECONDS = 100;
/** How often our tables are compared with what was committed. With 60,000 elements that takes half a second of CPU time. */
const AUDIT_MILLISECONDS = 15 * 60_000;
/** The first comparison after a start without a listing: the kernel's generation does not show an earlier change. */
const FIRST_AUDIT_MILLISECONDS = 5000;
/** Pause before a rejected commit is retried; doubled each time. */
const RETRY_MILLISECONDS = 1000;
const RETRY_MILLISECONDS_MAX = 30_000;

/** What happened. */
export type HealerInput =
  /** The time {@link healerWakesAt} may have come; before it nothing is due. */
  | { readonly kind: "woken" }
  /** The monitor announces that notifications have arrived. */
  | { readonly kind: "noticed" }
  /** What the monitor received since the last poll. */
  | { readonly kind: "polled"; readonly received: ForeignChanges }
  /** Whether our tables equal what was committed. */
  | { readonly kind: "compared"; readonly equal: boolean }
  /** A commit was tried, for the source or for us. `rejected`: by the kernel, also when it was tried again. */
  | { readonly kind: "tried"; readonly rejected: boolean }
  /** What differed was committed, as `heal` asks. It may have taken a while, with other commits in between. */
  | { readonly kind: "healed" };

/** What must be done, in this order. The results of poll, compare, heal and commit come back as inputs. */
export type HealerEffect =
  | { readonly kind: "poll" }
  | { readonly kind: "compare" }
  /** Record that another program changed our tables. */
  | ({ readonly kind: "drift"; readonly response: string } & Change)
  /** Compare our tables with what was committed, and commit what differs. */
  | { readonly kind: "heal" }
  /** Retry a rejected commit. */
  | { readonly kind: "commit" };

/** What another program changed in our tables. */
export interface Change {
  /** "" where the program is not known. */
  readonly process: string;
  readonly pid: number;
  readonly changes: readonly string[];
}

/** A change of another program that is not resolved: our rules are not back, or had to wait and would wait again. */
export interface OpenDrift extends Change {
  /** When it began. */
  readonly since: number;
  /** When the rules will be put back; undefined once that was begun. */
  readonly putBackAt: number | undefined;
}

/** Changed in place by {@link stepHealer} alone. Times are those of `now`. */
export interface HealerState {
  /** Infinity without a monitor. */
  pollAt: number;
  /** When it was polled last. */
  polledAt: number;
  auditAt: number;
  /** When rules are put back that have to wait. */
  healAt: number | undefined;
  healings: Healings;
  /** Whether rules are being put back. */
  healing: boolean;
  /** When a rejected commit is retried. */
  retryAt: number | undefined;
  /** Rejections in a row. */
  refusals: number;
  /** The last change, until it is resolved. */
  drift: (Change & { readonly since: number }) | undefined;
  /** Whether our rules had to wait since {@link drift} began. */
  waited: boolean;
}

/** `monitored`: whether there is a monitor. `listed`: whether the start has listed our tables. */
export function newHealer(monitored: boolean, listed: boolean, now: number): HealerState {
  return {
    pollAt: monitored ? now + POLL_MILLISECONDS : Infinity,
    polledAt: now,
    auditAt: monitored ? now + (listed ? AUDIT_MILLISECONDS : FIRST_AUDIT_MILLISECONDS) : Infinity,
    healAt: undefined,
    healings: [],
    healing: false,
    retryAt: undefined,
    refusals: 0,
    drift: undefined,
    waited: false,
  };
}

/** The next deadline; Infinity for none. */
export function healerWakesAt(
  { pollAt, auditAt, healAt = Infinity, retryAt = Infinity }: HealerState,
): number {
  return Math.min(pollAt, auditAt, healAt, retryAt);
}

/** The change that is not resolved, as of the last {@link stepHealer}. */
export function openDrift({ drift, waited, healAt, retryAt }: HealerState): OpenDrift | undefined {
  return drift === undefined || !waited ? undefined : { ...drift, putBackAt: healAt ?? retryAt };
}

/** The program that made `change`, for a log. */
export function programText({ process, pid }: Pick<Change, "process" | "pid">): string {
  return process === "" ? "another program" : `${process} (process ${pid})`;
}

/** The change after which our rules are not back yet, whether or not they had to wait. */
export function unhealedChange({ drift, healing, healAt, retryAt }: HealerState): Change | undefined {
  return healing || healAt !== undefined || retryAt !== undefined ? drift : undefined;
}

/** Applies one input to `state` and returns what must be done. */
export function stepHealer(state: HealerState, input: HealerInput, now: number): HealerEffect[] {
  switch (input.kind) {
    case "woken":
      resolve(state, now);
      return due(state, now);
    case "noticed":
      state.pollAt = Math.min(state.pollAt, Math.max(now, state.polledAt + POLL_MILLISECONDS));
      return [];
    case "polled":
      return notePolled(state, input.received, now);
    case "compared":
      return input.equal
        ? []
        : drifted(state, [{ process: "", pid: 0, changes: ["found by comparison"] }], now);
    case "tried":
      noteTried(state, input.rejected, now);
      return [];
    case "healed":
      state.healing = false;
      resolve(state, now);
      return [];
    default:
      return unreachable(input);
  }
}

function due(state: HealerState, now: number): HealerEffect[] {
  const effects: HealerEffect[] = [];
  if (state.pollAt <= now) {
    state.pollAt = now + POLL_MILLISECONDS;
    state.polledAt = now;
    // Many rules take longer to be compared.
    state.waited ||= state.healing;
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

/** Where the kernel dropped notifications, a comparison finds what they said; putting rules back compares our tables anyway. */
function notePolled(
  state: HealerState,
  { foreign, lost, watched = false }: ForeignChanges,
  now: number,
): HealerEffect[] {
  if (foreign.length > 0) return drifted(state, foreign, now);
  // A change that is not resolved is looked at as often as ever.
  if (watched && state.drift === undefined) state.pollAt = secondAfter(now);
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

/** Gathers the changes of one program. A comparison does not know the program, so it keeps the name that was known. */
function noteDrift(state: HealerState, { process, pid, changes }: Change, now: number): void {
  const { drift } = state;
  const named = process === "" && drift !== undefined ? drift : { process, pid };
  const before = drift?.process === named.process ? drift.changes : [];
  state.pollAt = Math.min(state.pollAt, now + POLL_MILLISECONDS);
  state.drift = {
    process: named.process,
    pid: named.pid,
    changes: [...new Set([...before, ...changes])].slice(0, DRIFT_CHANGES_MAX),
    since: drift?.since ?? now,
  };
}

function heal(state: HealerState, now: number): HealerEffect {
  state.healAt = undefined;
  state.healing = true;
  state.healings = healedAt(state.healings, now);
  return { kind: "heal" };
}

function noteTried(state: HealerState, rejected: boolean, now: number): void {
  if (rejected) {
    state.waited ||= state.drift !== undefined;
    state.retryAt = now + Math.min(RETRY_MILLISECONDS_MAX, RETRY_MILLISECONDS * 2 ** state.refusals);
    state.refusals++;
    return;
  }
  state.retryAt = undefined;
  state.refusals = 0;
  resolve(state, now);
}

/** A drift is resolved once our rules are back; where they had to wait, once the next change would not have to. */
function resolve(state: HealerState, now: number): void {
  const { healing, healAt, retryAt, healings, waited } = state;
  if (healing || healAt !== undefined || retryAt !== undefined) return;
  if (waited && healingDelay(healings, now) > 0) return;
  state.drift = undefined;
  state.waited = false;
}
