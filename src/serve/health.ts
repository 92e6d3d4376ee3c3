// What the health endpoints answer: kube-proxy's rules and body (1.37), with what is wrong beside it, in words of a closed
// list. Pure; times in milliseconds since 1970.

import type { UnsettledDrift } from "../engine/healer.ts";
import type { ResourceStatus } from "../ingest/source.ts";
import { printable, redacted } from "../printable.ts";
import { NODE_PROBLEMS, type ProblemFacts, problemsOf, sourceProblem } from "./problems.ts";

/** What health is judged by. */
export interface HealthFacts extends ProblemFacts {
  /** Now. */
  readonly now: number;
  /** Last sync that the kernel took; 0 before the first. */
  readonly lastUpdated: number;
  /** How long changes may wait, in milliseconds: kube-proxy's 2 * syncPeriod. */
  readonly pendingMax: number;
  /** Whether the node may get traffic: it exists, and the autoscaler is not about to delete it (KEP-3458). */
  readonly nodeEligible: boolean;
}

/** HTTP status and JSON body. */
export interface HealthAnswer {
  readonly status: 200 | 503;
  readonly body: Readonly<Record<string, unknown>>;
}

/** `/healthz`: whether load balancers should send traffic here. */
export function healthz(facts: HealthFacts): HealthAnswer {
  const healthy = isHealthy(facts);
  return answer(healthy && facts.nodeEligible && facts.node === undefined, {
    ...common(facts, healthy),
    nodeEligible: facts.nodeEligible,
  });
}

/** `/livez`: whether the proxy works; a node that is about to go, or that nobody knows, does not matter here. */
export function livez(facts: HealthFacts): HealthAnswer {
  const healthy = isHealthy(facts);
  return answer(healthy, common(facts, healthy));
}

/** Whether rules follow what is known, or have not been behind for too long. A source that is away changes nothing. */
export function isHealthy({ now, pendingSince, brokenSince, pendingMax }: HealthFacts): boolean {
  return [pendingSince, brokenSince].every((since) => since === undefined || now - since < pendingMax);
}

/** The texts behind the problems, for people on this node; without what looks like a credential. */
export function details({ ledger, sources, drift }: HealthFacts): Readonly<Record<string, unknown>> {
  const text = (problem: string) => redacted(printable(problem));
  return {
    ledger: ledger === undefined ? "" : text(ledger.reason),
    sources: Object.fromEntries(sources.map(({ kind, problem }) => [kind, text(problem)])),
    drift: drift === undefined ? null : shownDrift(drift),
  };
}

function common(facts: HealthFacts, healthy: boolean): Record<string, unknown> {
  const { now, lastUpdated, sources, ledger, drift, node } = facts;
  const time = new Date(now).toISOString();
  const updated = healthy ? time : new Date(lastUpdated).toISOString();
  const family = { lastUpdated: updated, healthy };
  return {
    lastUpdated: updated,
    currentTime: time,
    healthy,
    status: { IPv4: family, IPv6: family },
    problems: problemsOf(facts),
    node: { problem: node === undefined ? "" : NODE_PROBLEMS[node] },
    ledger: {
      problem: ledger === undefined ? "" : "ledger cannot be written",
      unwrittenRecords: ledger?.records ?? 0,
    },
    drift: drift === undefined ? null : shownDrift(drift),
    sources: Object.fromEntries(sources.map((source) => [source.kind, shownSource(source)])),
  };
}

function shownSource(source: ResourceStatus): Record<string, unknown> {
  const { heardAt } = source;
  return {
    lastHeard: heardAt === 0 ? null : new Date(heardAt).toISOString(),
    problem: sourceProblem(source) ?? "",
  };
}

function shownDrift({ process, pid, changes, since, putBackAt }: UnsettledDrift): Record<string, unknown> {
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
