// Forgets flows: deletes their entries of connection tracking, so that the rules decide about their next packet. The flows of a quiet
// node are forgotten at once. Where a run takes long, because a frontend has many flows, it is made in pieces, and what is asked
// for meanwhile is gathered for the next run: a tenant that changes one endpoint again and again must not hold up the rules of others.

import { countText } from "../count_text.ts";
import type { ClusterState } from "../fold/cluster_state.ts";
import { claimAt } from "../fold/claims.ts";
import type { UdpFrontend } from "../fold/service_program.ts";
import { type GuardedFrontend, guardNow, letsThrough } from "../fold/tightened.ts";
import { udpFrontendNow } from "../fold/udp_frontends.ts";
import type { FlowsDeleted, GuardedFlows, UdpFlows } from "../kernel/conntrack.ts";
import { SystemError } from "../kernel/system_error.ts";
import { FORGETTING_MILLISECONDS } from "../limits/commits.ts";
import type { Family } from "../nft/data_type.ts";
import type { Effect } from "./effect.ts";
import { newPace, noteBeside, notePiece, type Pace } from "./pace.ts";

/** What flows are forgotten through. */
export interface FlowPorts {
  /** Deletes entries of connection tracking, a piece at a time; absent without connection tracking. */
  readonly conntrack?: {
    deleteStale(flows: readonly UdpFlows[], mayWait: boolean): Iterable<FlowsDeleted>;
    deleteUnanswered(flows: readonly GuardedFlows[], mayWait: boolean): Iterable<FlowsDeleted>;
  };
  readonly meter?: {
    /** Counts entries of connection tracking that one run deleted. */
    forgot(family: Family, flows: number, microseconds: number): void;
  };
  warn(text: string): void;
}

/** An effect that asks for flows to be forgotten. */
export type ForgetEffect = Effect & { readonly kind: "forget-flows" | "forget-unanswered" };

/** The flows that wait, and the run that is under way. Changed in place. */
export interface Forgetting {
  /** Frontends whose flows the next run looks at, by claim. */
  stale: Map<string, UdpFrontend>;
  tightened: Map<string, GuardedFrontend>;
  readonly pace: Pace;
  /** The run that is under way. */
  run: Run | undefined;
}

/** What one run looks at, and its pieces. */
interface Run {
  readonly stale: ReadonlyMap<string, UdpFrontend>;
  readonly tightened: ReadonlyMap<string, GuardedFrontend>;
  readonly pieces: Iterator<Piece, void>;
}

/** One piece of a run. */
interface Piece {
  readonly milliseconds: number;
  /** Whether it was spent by the kernel, on another thread that still works. */
  readonly waits: boolean;
}

/** Nothing waits. */
export function newForgetting(): Forgetting {
  return { stale: new Map(), tightened: new Map(), pace: newPace(), run: undefined };
}

/** Adds what `effect` asks for to the next run. */
export function gatherFlows({ stale, tightened }: Forgetting, effect: ForgetEffect): void {
  if (effect.kind === "forget-flows") {
    for (const [claim, frontend] of effect.frontends) stale.set(claim, frontend);
  } else for (const [claim, frontend] of effect.frontends) tightened.set(claim, frontend);
}

/** When {@link forgetWhereDue} has something to do; Infinity while nothing waits. */
export function forgetsAt(forgetting: Forgetting): number {
  return waits(forgetting) ? forgetting.pace.nextAt : Infinity;
}

/** Goes on with a run, or begins one, where that is due at `now`. */
export function forgetWhereDue(
  forgetting: Forgetting,
  cluster: ClusterState,
  ports: FlowPorts,
  now: number,
): void {
  if (forgetsAt(forgetting) > now) return;
  const { milliseconds, waits } = goOn(forgetting, cluster, ports, true);
  if (waits) noteBeside(forgetting.pace, milliseconds);
  const blocked = waits ? 0 : milliseconds;
  notePiece(forgetting.pace, blocked, forgetting.run === undefined, now + blocked);
}

/** Forgets all that waits, without a pause: the process ends, or has nothing else to do. */
export function forgetRest(forgetting: Forgetting, cluster: ClusterState, ports: FlowPorts): void {
  while (waits(forgetting)) {
    const { run } = forgetting;
    if (!goOn(forgetting, cluster, ports, false).waits) continue;
    // Nothing waits for the other thread any more: the run begins again without it.
    run?.pieces.return?.();
    forgetting.run = undefined;
    forgetting.stale = new Map([...run?.stale ?? [], ...forgetting.stale]);
    forgetting.tightened = new Map([...run?.tightened ?? [], ...forgetting.tightened]);
  }
}

function waits({ stale, tightened, run }: Forgetting): boolean {
  return run !== undefined || stale.size + tightened.size > 0;
}

/** Makes pieces of the run that is under way, or of the next, for a while, and up to one that waits. */
function goOn(forgetting: Forgetting, cluster: ClusterState, ports: FlowPorts, mayWait: boolean): Piece {
  const run = forgetting.run ??= beginRun(forgetting, cluster, ports, mayWait);
  let milliseconds = 0;
  while (milliseconds < FORGETTING_MILLISECONDS) {
    const piece = run.pieces.next();
    if (piece.done) {
      forgetting.run = undefined;
      break;
    }
    if (piece.value.waits) return piece.value;
    milliseconds += piece.value.milliseconds;
  }
  return { milliseconds, waits: false };
}

function beginRun(forgetting: Forgetting, cluster: ClusterState, ports: FlowPorts, mayWait: boolean): Run {
  const { stale, tightened } = forgetting;
  forgetting.stale = new Map();
  forgetting.tightened = new Map();
  return { stale, tightened, pieces: piecesOf({ stale, tightened }, cluster, ports, mayWait) };
}

/**
 * One run. A failure is a warning only: the rules are in place, and a flow ends with its timeout. Which endpoints serve, and what a
 * guard lets through, is asked for each flow: it may change between two pieces.
 */
function* piecesOf(
  { stale, tightened }: Pick<Run, "stale" | "tightened">,
  cluster: ClusterState,
  ports: FlowPorts,
  mayWait: boolean,
): Generator<Piece, void, void> {
  const { conntrack, meter, warn } = ports;
  if (conntrack === undefined) return;
  if (stale.size > 0) {
    const served = servesNow(cluster);
    const flows = [...stale].map(([claim, frontend]) => udpFlows(cluster, claim, frontend, served));
    yield* counted(
      () => conntrack.deleteStale(flows, mayWait),
      meter,
      (why) => warn(`stale UDP flows ${why}`),
    );
  }
  if (tightened.size > 0) {
    const flows = [...tightened].map(([claim, frontend]) => guardedFlows(cluster, claim, frontend));
    yield* counted(
      () => conntrack.deleteUnanswered(flows, mayWait),
      undefined,
      (why) => warn(`unanswered flows to ${countText(flows.length, "guarded frontend")} ${why}`),
    );
  }
}

/** The pieces of `work`. At the end `meter` receives the sums of each family. */
function* counted(
  work: () => Iterable<FlowsDeleted>,
  meter: FlowPorts["meter"],
  failed: (why: string) => void,
): Generator<Piece, void, void> {
  const sums = new Map<Family, { deleted: number; microseconds: number }>();
  try {
    for (const { family, deleted, microseconds, waits = false } of work()) {
      const { deleted: before, microseconds: spent } = sums.get(family) ?? { deleted: 0, microseconds: 0 };
      sums.set(family, { deleted: before + deleted, microseconds: spent + microseconds });
      yield { milliseconds: microseconds / 1000, waits };
    }
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    failed(`stay until they time out: ${error.message}`);
  }
  for (const [family, { deleted, microseconds }] of sums) meter?.forgot(family, deleted, microseconds);
}

/** Whether an endpoint serves the frontend that has a claim now. */
type Serves = (claim: string, endpoint: string) => boolean;

/** The endpoints of a large Service are a list of thousands: it is made a set once for each change. */
function servesNow(cluster: ClusterState): Serves {
  const known = new Map<string, { readonly serving: readonly string[]; readonly endpoints: Set<string> }>();
  return (claim, endpoint) => {
    const serving = udpFrontendNow(cluster, claim)?.serving;
    if (serving === undefined) return false;
    let found = known.get(claim);
    if (found?.serving !== serving) known.set(claim, found = { serving, endpoints: new Set(serving) });
    return found.endpoints.has(endpoint);
  };
}

/**
 * A NodePort is reached at any address, so its number selects flows to other frontends too. These decide about them, as in kube-proxy
 * (pkg/proxy/conntrack/cleanup.go, 1.37).
 */
function udpFlows(cluster: ClusterState, claim: string, frontend: UdpFrontend, served: Serves): UdpFlows {
  const { family, address, port } = frontend;
  const claimOf = (target: string) => address === undefined ? claimAt(cluster, family, "udp", target) : claim;
  return { family, address, port, serves: (endpoint, target) => served(claimOf(target), endpoint) };
}

function guardedFlows(cluster: ClusterState, claim: string, frontend: GuardedFrontend): GuardedFlows {
  const { family, address, port } = frontend;
  const passes = (client: string) => {
    const guard = guardNow(cluster, claim);
    return guard === undefined || letsThrough(guard, client);
  };
  return { family, address, port, passes };
}
