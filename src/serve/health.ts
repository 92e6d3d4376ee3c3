// Answers of the health endpoints: kube-proxy's rules and body (1.37), with the problems beside them, from a closed list. The
// functions are pure. Times that are shown are in milliseconds since 1970; how long something lasts is counted by a clock that never
// goes back, because a step of the other one must not make a node unhealthy.

import type { OpenDrift } from "../engine/healer.ts";
import type { ResourceStatus } from "../ingest/source.ts";
import { printable, redacted } from "../printable.ts";
import { failureText, OWN_NODE_PROBLEMS, type ProblemFacts, problemsOf, sourceProblem } from "./problems.ts";

/** The facts that health follows from. */
export interface HealthFacts extends ProblemFacts {
  /** The present time, as it is shown. */
  readonly now: number;
  /** The present time by the clock of `pendingSince` and `brokenSince`, in milliseconds. */
  readonly elapsed: number;
  /** The last sync that the kernel accepted; 0 before the first. */
  readonly lastUpdated: number;
  /** How long changes may wait for the kernel, in milliseconds: kube-proxy's 2 * syncPeriod. */
  readonly pendingMax: number;
  /** Offset of the last record of the ledger, and of the last one that is surely on the disk; -1 for none. */
  readonly appendedOffset: number;
  readonly durableOffset: number;
  /** Assertions that are broken. They are no matter of health: the rules are what the cluster says. */
  readonly assertions?: readonly { readonly name: string; readonly text: string; readonly since: number }[];
  /** Whether the node may receive traffic: it exists, and the autoscaler does not plan to delete it (KEP-3458). */
  readonly nodeEligible: boolean;
}

/** An HTTP status and a JSON body. */
export interface HealthAnswer {
  readonly status: 200 | 503;
  readonly body: Readonly<Record<string, unknown>>;
}

/** `/healthz`: whether load balancers should send traffic to this node. */
export function healthz(facts: HealthFacts): HealthAnswer {
  const healthy = isHealthy(facts);
  return answer(healthy && facts.nodeEligible && facts.node === undefined, {
    ...common(facts, healthy),
    nodeEligible: facts.nodeEligible,
  });
}

/** `/livez`: whether the proxy works. The Node object does not matter here. */
export function livez(facts: HealthFacts): HealthAnswer {
  const healthy = isHealthy(facts);
  return answer(healthy, common(facts, healthy));
}

/** Whether the rules are up to date, or late for less than `pendingMax`. An API server that is away does not matter. */
export function isHealthy({ elapsed, pendingSince, brokenSince, pendingMax }: HealthFacts): boolean {
  return [pendingSince, brokenSince].every((since) => since === undefined || elapsed - since < pendingMax);
}

/** The texts of the problems, for users on this node. What looks like a credential is left out. */
export function details(
  { ledger, sources, drift, aside, assertions = [] }: HealthFacts,
): Readonly<Record<string, unknown>> {
  const text = (problem: string) => redacted(printable(problem));
  return {
    ledger: ledger === undefined ? "" : text(failureText(ledger)),
    sources: Object.fromEntries(sources.map(({ kind, problem }) => [kind, text(problem)])),
    drift: drift === undefined ? null : shownDrift(drift),
    setAside: Object.fromEntries(
      [...aside].sort(([a], [b]) => a < b ? -1 : 1).slice(0, ASIDE_SHOWN_MAX)
        .map(([name, reason]) => [name, text(reason)]),
    ),
    assertions: assertions.map(({ name, text: how, since }) => ({
      name: text(name),
      text: text(how),
      since: new Date(since).toISOString(),
    })),
  };
}

/** Most Services that {@link details} names. */
const ASIDE_SHOWN_MAX = 100;

/** The part of the body that both endpoints have. */
function common(facts: HealthFacts, healthy: boolean): Record<string, unknown> {
  const { now, lastUpdated, sources, ledger, appendedOffset, durableOffset, drift, node } = facts;
  const time = new Date(now).toISOString();
  const updated = healthy ? time : new Date(lastUpdated).toISOString();
  const family = { lastUpdated: updated, healthy };
  return {
    lastUpdated: updated,
    currentTime: time,
    healthy,
    status: { IPv4: family, IPv6: family },
    problems: problemsOf(facts),
    node: { problem: node === undefined ? "" : OWN_NODE_PROBLEMS[node] },
    ledger: {
      problem: ledger === undefined ? "" : "ledger cannot be written",
      unwrittenRecords: ledger?.records ?? 0,
      appendedOffset,
      durableOffset,
    },
    drift: drift === undefined ? null : shownDrift(drift),
    sources: Object.fromEntries(sources.map((source) => [source.kind, shownSource(source)])),
  };
}

/** The state of one watched resource. Its error text is not shown. */
function shownSource(source: ResourceStatus): Record<string, unknown> {
  const { receivedAt } = source;
  return {
    lastHeard: receivedAt === 0 ? null : new Date(receivedAt).toISOString(),
    problem: sourceProblem(source) ?? "",
  };
}

/** What another program did. A process can have any name, so control characters in it are escaped. */
function shownDrift({ process, pid, changes, since, putBackAt }: OpenDrift): Record<string, unknown> {
  return {
    process: printable(process),
    pid,
    changes: changes.map(printable),
    since: new Date(since).toISOString(),
    putBackAt: putBackAt === undefined ? null : new Date(putBackAt).toISOString(),
  };
}

function answer(ok: boolean, body: Record<string, unknown>): HealthAnswer {
  return { status: ok ? 200 : 503, body };
}
