// What the health endpoints answer: kube-proxy's rules and body (1.37), with what we know of the connection to the
// source beside it. Pure; times in milliseconds since 1970.

import type { LedgerFailure } from "../ledger/writer.ts";
import type { ResourceStatus } from "../ingest/source.ts";

/** What health is judged by. */
export interface HealthFacts {
  /** Now. */
  readonly now: number;
  /** Last sync that the kernel took; 0 before the first. */
  readonly lastUpdated: number;
  /** Since when changes wait that the kernel would not take; undefined while none do. */
  readonly pendingSince: number | undefined;
  /** How long changes may wait, in milliseconds: kube-proxy's 2 * syncPeriod. */
  readonly pendingMax: number;
  /** Whether the node may get traffic: it exists, and the autoscaler is not about to delete it (KEP-3458). */
  readonly nodeEligible: boolean;
  /** Why records of the ledger wait in memory; undefined while none do. */
  readonly ledger: LedgerFailure | undefined;
  /** How the source is, by resource; empty where the source is no API server. */
  readonly sources: readonly ResourceStatus[];
}

/** HTTP status and JSON body. */
export interface HealthAnswer {
  readonly status: 200 | 503;
  readonly body: Readonly<Record<string, unknown>>;
}

/** `/healthz`: whether load balancers should send traffic here. */
export function healthz(facts: HealthFacts): HealthAnswer {
  const healthy = isHealthy(facts);
  return answer(healthy && facts.nodeEligible, {
    ...common(facts, healthy),
    nodeEligible: facts.nodeEligible,
  });
}

/** `/livez`: whether the proxy works; a node that is about to go does not matter here. */
export function livez(facts: HealthFacts): HealthAnswer {
  const healthy = isHealthy(facts);
  return answer(healthy, common(facts, healthy));
}

/** Whether rules follow what is known, or have not been behind for too long. A source that is away changes nothing. */
export function isHealthy({ now, pendingSince, pendingMax }: HealthFacts): boolean {
  return pendingSince === undefined || now - pendingSince < pendingMax;
}

function common(facts: HealthFacts, healthy: boolean): Record<string, unknown> {
  const { now, lastUpdated, sources, ledger } = facts;
  const time = new Date(now).toISOString();
  const updated = healthy ? time : new Date(lastUpdated).toISOString();
  const family = { lastUpdated: updated, healthy };
  return {
    lastUpdated: updated,
    currentTime: time,
    healthy,
    status: { IPv4: family, IPv6: family },
    ledger: { problem: ledger?.reason ?? "", unwrittenRecords: ledger?.records ?? 0 },
    sources: Object.fromEntries(sources.map(({ kind, heardAt, problem }) => [kind, {
      lastHeard: heardAt === 0 ? null : new Date(heardAt).toISOString(),
      problem,
    }])),
  };
}

function answer(ok: boolean, body: Record<string, unknown>): HealthAnswer {
  return { status: ok ? 200 : 503, body };
}
